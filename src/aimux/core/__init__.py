"""What is known of a request, what is allowed, and what is decided. Standard library only, no I/O."""
