"""Reads only: how the lake is (status), whether its layers agree (reconciliation). Nothing here changes a lake."""
