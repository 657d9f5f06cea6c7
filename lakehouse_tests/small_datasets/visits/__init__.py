"""Visits: the same as plays under another name, so that there are two."""
