"""What `make check` runs besides the well-known tools."""
