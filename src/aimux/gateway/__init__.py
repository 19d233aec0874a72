"""The straight line that every request walks, and what it needs of the other rooms."""
