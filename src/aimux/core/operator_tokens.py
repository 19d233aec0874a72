"""The form of an operator's token: a mark, 43 characters of chance, and a checksum that tells a typo at once."""

import re
import zlib
from typing import Final

PREFIX: Final = "aimux_op_"
CHANCE: Final = 43
"""Characters of chance: 32 bytes in the URL-safe alphabet."""
_FORM: Final = re.compile(rf"{PREFIX}[A-Za-z0-9_-]{{{CHANCE}}}([0-9a-f]{{8}})")


def with_checksum(chance: str) -> str:
    """The token of 43 URL-safe characters. Raises ValueError for anything else."""
    token = f"{PREFIX}{chance}"
    whole = f"{token}{_checksum(token)}"
    if not _FORM.fullmatch(whole):
        raise ValueError(f"a token is made of {CHANCE} URL-safe characters")
    return whole


def is_mistyped(token: str) -> bool:
    """Whether a text was meant as such a token and is none: cut off, or with a character that differs."""
    if not token.startswith(PREFIX):
        return False
    return not _FORM.fullmatch(token) or _checksum(token[:-8]) != token[-8:]


def _checksum(text: str) -> str:
    return f"{zlib.crc32(text.encode('utf-8')):08x}"
