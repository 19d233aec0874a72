"""What the tests of reading requests share: requests, and what is read of them."""
