"""Page views, clicks and access-log lines of web sites."""
