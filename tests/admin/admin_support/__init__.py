"""What several tests of management share."""
