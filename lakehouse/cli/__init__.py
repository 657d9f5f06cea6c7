"""The `lakehouse` command: one module per command, each a thin page around a step or an operation."""
