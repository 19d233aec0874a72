"""What runs a document as its reader does."""
