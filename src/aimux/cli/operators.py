"""`aimux operators new`: makes an operator's token, which stands nowhere afterwards, and the digest of it."""

import secrets

from aimux.cli import console
from aimux.config.consistent_operators import ADMIN_NAME, digest_of_token
from aimux.config.fields import LONGEST_NAME, NAME, suggest_name
from aimux.core.operator_tokens import with_checksum

_BYTES = 32


def new(name: str, role: str) -> int:
    """Print a new token, and the lines for the configuration; the exit code."""
    if not NAME.fullmatch(name) or len(name) > LONGEST_NAME:
        better = suggest_name(name)
        remedy = f"write {better}" if better else "use small letters and digits, words joined by - or by _"
        console.problem(f"an operator's name is in kebab-case or snake_case: {remedy}")
        return 2
    if name == ADMIN_NAME:
        console.note(f"beside server.admin_token no operator may be called {ADMIN_NAME}")
    token = with_checksum(secrets.token_urlsafe(_BYTES))
    console.line(f"The token of {name}, shown this once: give it to nobody else, and keep it where secrets are kept.\n")
    console.line(f"  {token}\n")
    console.line("For the configuration (add the item to operators: where there are some already), then reload it:\n")
    console.line("operators:")
    console.line(f"  - name: {name}")
    console.line(f'    token: {{digest: "{digest_of_token(token)}"}}')
    console.line(f"    role: {role}")
    return 0
