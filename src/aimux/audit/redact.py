"""What is never recorded: credentials wherever they stand in a text, and what the operator has named."""

import re
from collections.abc import Iterable
from typing import Final

BLOT: Final = "***"
_HEADERS: Final = ("authorization", "proxy-authorization", "cookie", "set-cookie", "x-api-key", "api-key")
_FIELDS: Final = (
    *(
        "password",
        "passwd",
        "passphrase",
        "secret",
        "client_secret",
        "token",
        "access_token",
        "refresh_token",
        "id_token",
    ),
    *("api_key", "apikey", "api-key", "private_key", "authorization", "cookie"),
)
# What gives itself away by its shape: the formats that issuers have made to be found.
_CREDENTIALS: Final = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY-----(?:(?!-----END).)*(?:-----END [A-Z ]*PRIVATE KEY-----)?"
    r"|(?<![A-Za-z0-9_-])eyJ[A-Za-z0-9_-]{8,}+\.[A-Za-z0-9_-]{8,}+(?:\.[A-Za-z0-9_-]*)?"
    r"|\b(?:sk|pk|rk)[-_][A-Za-z0-9_-]{16,}"
    r"|\b(?:gh[oprsu]_[A-Za-z0-9]{20,}|github_pat_[A-Za-z0-9_]{20,}|glpat-[A-Za-z0-9_-]{16,})"
    r"|\bxox[abeoprs]-[A-Za-z0-9-]{10,}"
    r"|\b(?:AKIA|ASIA)[A-Z0-9]{16}\b"
    r"|\bAIza[A-Za-z0-9_-]{30,}"
    r"|\bhf_[A-Za-z0-9]{20,}"
    r"|\b[Bb](?:earer|EARER) +[A-Za-z0-9._~+/-]{8,}=*"
    r"|\b[Bb](?:asic|ASIC) +[A-Za-z0-9+/]{12,}=*",
    re.DOTALL,
)


class Redactor:
    """Blots secrets out of texts. `headers` and `fields` name more of them than are known without being named."""

    def __init__(self, headers: Iterable[str] = (), fields: Iterable[str] = ()) -> None:
        self._headers = frozenset(name.lower() for name in headers)
        self._fields = frozenset(name.lower() for name in fields)
        self._header_lines = re.compile(
            rf"(?<![\w-])({_any_of((*_HEADERS, *self._headers))})([ \t]*:[ \t]*)([^\s\"'][^\r\n\"']*)", re.IGNORECASE
        )
        names = _any_of((*_FIELDS, *self._fields))
        self._json_fields = re.compile(
            rf"""(["'])({names})\1([ \t\r\n]*:[ \t\r\n]*)("(?:[^"\\]|\\.)*"?|'(?:[^'\\]|\\.)*'?|[^\s,}}\]]+)""",
            re.IGNORECASE | re.DOTALL,
        )
        self._assignments = re.compile(rf"(?<![\w-])({names})([ \t]*=[ \t]*)([^\s&,;]+)", re.IGNORECASE)

    def hides_header(self, name: str) -> bool:
        """Whether nothing of this header may be recorded."""
        return name.lower() in self._headers or name.lower() in _HEADERS

    def hides_field(self, name: str) -> bool:
        """Whether nothing that stood in this field or parameter may be recorded. Only the operator's names count."""
        return name.lower() in self._fields

    def clean(self, text: str) -> str:
        """The text with every secret in it blotted out."""
        text = _CREDENTIALS.sub(BLOT, text)
        if ":" in text:
            text = self._json_fields.sub(rf"\1\2\1\3\1{BLOT}\1", text)
            text = self._header_lines.sub(rf"\1\2{BLOT}", text)
        return self._assignments.sub(rf"\1\2{BLOT}", text) if "=" in text else text


def _any_of(names: Iterable[str]) -> str:
    return "|".join(sorted({re.escape(name) for name in names}, key=len, reverse=True))
