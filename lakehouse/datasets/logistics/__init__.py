"""Shipments, facilities and drivers: events with an envelope, orders exported as rows, flights as shipment legs."""
