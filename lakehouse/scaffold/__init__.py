"""A new dataset from files that show what its records look like: what they hold is inferred, and a working folder is written that a person edits."""
