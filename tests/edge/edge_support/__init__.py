"""What the corpus of hostile bytes is read and played with."""
