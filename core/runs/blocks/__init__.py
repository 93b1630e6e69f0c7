"""The items of an archive in blocks, each of which a worker encodes and writes to a part file; see `Shared`."""
