"""What is never recorded: credentials wherever they stand in a text, and what the operator has named."""

import re
from collections.abc import Iterable
from typing import Final

from aimux.audit.values import header_end, value_at

BLOT: Final = "***"
_HEADERS: Final = ("authorization", "proxy-authorization", "cookie", "set-cookie", "x-api-key", "api-key")
_FIELDS: Final = (
    *("password", "passwd", "passphrase", "passcode", "pwd", "secret", "token", "credential", "credentials"),
    *("api_key", "apikey", "private_key", "access_key", "account_key", "authorization", "cookie"),
)
# What may stand behind a name without making it another thing: AWS_SECRET_ACCESS_KEY, and not token_count.
_SUFFIXES: Final = "access|key|value|hash|plain|text|string|base64|b64|old|new|current|confirm|confirmation|[0-9]++"
_LONGEST_NAME: Final = 200
# What gives itself away by its shape: the formats that issuers have made to be found.
_CREDENTIALS: Final = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY-----(?:(?!-----END).)*(?:-----END [A-Z ]*PRIVATE KEY-----[A-Za-z0-9_.-]*)?"
    r"|(?<![A-Za-z0-9_-])eyJ[A-Za-z0-9_-]{8,}+\.[A-Za-z0-9_-]{8,}+(?:\.[A-Za-z0-9_-]*)?"
    r"|\b(?:(?:sk|pk|rk)[-_][A-Za-z0-9_-]{16,}"
    r"|gh[oprsu]_[A-Za-z0-9]{20,}|github_pat_[A-Za-z0-9_]{20,}|glpat-[A-Za-z0-9_-]{16,}"
    r"|xox[abeoprs]-[A-Za-z0-9-]{10,}"
    r"|(?:AKIA|ASIA)[A-Z0-9]{16}\b"
    r"|AIza[A-Za-z0-9_-]{30,}"
    r"|hf_[A-Za-z0-9]{20,}"
    r"|[Bb](?:earer|EARER) +[A-Za-z0-9._~+/-]{8,}=*"
    r"|[Bb](?:asic|ASIC) +[A-Za-z0-9+/]{12,}=*)",
    re.DOTALL,
)


# A port is no password; what stands before the last @ is, whatever is in it.
_URLS: Final = re.compile(
    r"""(https?)?://([^\s/:@?#\["'`<>]*+)(?::(?![0-9]{1,5}(?:[/?#\s]|\Z))([^\s"'`<>]*+)|(?=@))""", re.IGNORECASE
)
_TOKEN_FIRST: Final = frozenset({"", "x-oauth-basic"})
_CAMEL: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


class Redactor:
    """Blots secrets out of texts. `headers` and `fields` name more of them than are known without being named."""

    def __init__(self, headers: Iterable[str] = (), fields: Iterable[str] = ()) -> None:
        self._headers = frozenset(name.lower() for name in headers)
        self._fields = frozenset(name.lower() for name in fields)
        lines = (*_HEADERS, *self._headers)
        names = (*_FIELDS, *lines, *self._fields)
        self._header_names = re.compile(rf"(?:.*[_-])?(?:{_any_of(lines)})", re.DOTALL)
        self._names = re.compile(
            rf"(?:.*(?:password|passwd|passphrase)|(?:.*_)?(?:{_any_of(name.replace('-', '_') for name in names)}))"
            rf"[0-9]*+(?:_(?:{_SUFFIXES}))*+",
            re.DOTALL,
        )
        # Names that are no words have to be looked for by name.
        odd = "".join(f"{re.escape(name)}|" for name in sorted(self._fields) if not re.fullmatch(r"[\w-]+", name))
        self._named = re.compile(
            rf"""(?<![\w-])({odd}[\w-]++)(?:(\\*+["'`])\]?+\s*+[:=]{{1,3}}+>?+\s*+|[ \t]*+[:=]{{1,3}}+>?+[ \t]*+)""",
            re.IGNORECASE,
        )

    def hides_header(self, name: str) -> bool:
        """Whether nothing of this header may be recorded."""
        return name.lower() in self._headers or name.lower() in _HEADERS

    def hides_field(self, name: str) -> bool:
        """Whether nothing that stood in this field or parameter may be recorded. Only the operator's names count."""
        return name.lower() in self._fields

    def clean(self, text: str) -> str:
        """The text with every secret in it blotted out."""
        text = _CREDENTIALS.sub(BLOT, text)
        if ":" in text or "=" in text:
            text = self._without_named(text)
        return _URLS.sub(_without_userinfo, text) if "@" in text and "://" in text else text

    def _without_named(self, text: str) -> str:
        """The text without the values of headers and fields that it quotes."""
        parts: list[str] = []
        done = 0
        found = self._named.search(text)
        while found is not None:
            start, end = found.end(), found.end()
            name = self._secret_name(text, found)
            if name is not None:
                quote = found[2] or ""
                if not quote and ":" in text[found.end(1) : start] and self._header_names.fullmatch(name.lower()):
                    end = header_end(text, found.end(1) - len(name), start)
                else:
                    end, own = value_at(text, start)
                    quote = own or quote
                if end > start:
                    # A quote that follows would double the one that closes.
                    quote = "" if text.startswith(quote, end) else quote
                    parts += (text[done:start], quote, BLOT, quote)
                    done = end
            found = self._named.search(text, end)
        return "".join((*parts, text[done:])) if parts else text

    def _secret_name(self, text: str, found: re.Match[str]) -> str | None:
        """The name that was found, if it is a secret's; without the letter of an escape that stands before it."""
        name = found[1]
        if text[found.start() - 1 : found.start()] == "\\" and name[0] in "nrt" and self._is_secret(name[1:]):
            return name[1:]
        return name if self._is_secret(name) else None

    def _is_secret(self, name: str) -> bool:
        name = name.strip("-_")[-_LONGEST_NAME:].replace("-", "_")
        if self._names.fullmatch(name.lower()):
            return True
        words = name if name.islower() else _CAMEL.sub("_", name)
        return words is not name and self._names.fullmatch(words.lower()) is not None


def _without_userinfo(found: re.Match[str]) -> str:
    scheme, user, rest = found.groups()
    before = f"{scheme or ''}://"
    if rest is None:
        return f"{before}{BLOT}" if scheme and user else found[0]
    password, at, host = rest.rpartition("@")
    if not at:
        return found[0]
    return f"{before}{BLOT}@{host}" if password in _TOKEN_FIRST else f"{before}{user}:{BLOT}@{host}"


def _any_of(names: Iterable[str]) -> str:
    return "|".join(sorted({re.escape(name) for name in names}, key=len, reverse=True))
