"""The account of every line and row: terms, equations, lateness. Pure."""
