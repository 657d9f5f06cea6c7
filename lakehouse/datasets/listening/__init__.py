"""Music plays and page views of a streaming service, as its event log tells them."""
