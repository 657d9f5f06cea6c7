"""The clean tables: grain results, builds, the commit, and the views over committed builds."""
