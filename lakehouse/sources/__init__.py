"""Gateways that read events from where they come from. A source knows nothing of the lake's layers: it yields verbatim lines."""
