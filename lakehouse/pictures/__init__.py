"""What people look at: charts as SVG, and the page of a dataset that they are on."""
