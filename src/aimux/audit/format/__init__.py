"""The format of records: what stands in them, and how those of older versions are read."""
