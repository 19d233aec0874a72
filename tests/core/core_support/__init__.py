"""What tests of the decision share: another way to decide."""
