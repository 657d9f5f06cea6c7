"""Raw: parts, manifests, coverage, re-reads. What was read, exactly, and the commit log of reading it."""
