"""Plays of songs, told by files of JSON lines: a whole dataset, small enough for tests of what is around datasets."""
