"""What a contract is, and what is derived from it. Pure: no file, no clock, no environment."""
