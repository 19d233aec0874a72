"""What the tests of the state share."""
