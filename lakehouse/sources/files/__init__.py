"""Files of a folder or bucket prefix: what is there, which feed of a dataset takes it, and its records as lines. Nothing there is ever changed."""

from lakehouse.sources.files.batch import Batch
from lakehouse.sources.files.inbox import FoundFile, Listing, feed_named, file_source, find_files, in_inbox
from lakehouse.sources.files.reader import FileReader, hash_of

__all__ = ["Batch", "FileReader", "FoundFile", "Listing", "feed_named", "file_source", "find_files", "hash_of", "in_inbox"]
