"""Bytes in, meaning out. Pure parsers: the same bytes give the same answer, and nothing here does I/O."""
