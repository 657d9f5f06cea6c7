"""What a person asks for, made of the rooms below: fetch, build, publish, redrive, explain, reveal, query."""
