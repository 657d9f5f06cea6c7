"""Google Workspace audit activities, as the Admin SDK Reports API tells them."""
