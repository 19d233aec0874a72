"""State that changes while the gateway runs: a store in memory, and one in a file that workers share."""
