"""Pages and commands for operators: management, the audit log, the dashboard; and the dispatcher beside them."""
