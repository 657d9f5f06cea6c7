"""The clean step as pure functions on Arrow tables and eager Polars frames. No file, no clock, no environment."""
