"""The `aimux` command: one module a subcommand, each imported when it is called."""
