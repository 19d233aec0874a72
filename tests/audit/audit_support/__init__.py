"""What tests of the audit log share: its files, and commands that read it."""
