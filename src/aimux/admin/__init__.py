"""What operators read and command: management pages, the audit's, the dashboard's; and the dispatcher beside it."""
