"""What can be wrong with an audit log, said so that an operator knows what to do."""


class AuditError(Exception):
    """The audit log cannot be used as it is. The message says why and what to do."""
