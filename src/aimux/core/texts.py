"""The texts of a request that are judged, and how many of them at most."""

from typing import Final

from aimux.core.request import SILENT, Facts

# Each text costs a reading of the model: a request may not cost a thousand.
_MOST_TEXTS: Final = 256
_LONGEST_TEXTS: Final = 128 * 1024
TOO_MUCH_BESIDE: Final = (
    f"more than {_MOST_TEXTS} texts or {_LONGEST_TEXTS} characters stand beside the text that chooses the route, in "
    "other messages, fields or parts, and each is judged: send fewer"
)
TOO_MANY_LISTED: Final = (
    f"the list has more than {_MOST_TEXTS} texts or {_LONGEST_TEXTS} characters, each of which is judged: "
    "send fewer at a time, or address the route by name in the X-AIMux-Route header"
)


def is_too_much(*texts: str) -> bool:
    """Whether these are more, or longer, than are judged of one request."""
    return len(texts) > _MOST_TEXTS or sum(map(len, texts)) > _LONGEST_TEXTS


def said(facts: Facts) -> tuple[str, ...]:
    """All that head and body say, the text that is looked at first before what stands beside it.

    The texts of a list that are judged by themselves are not among it.
    """
    body = facts.body or SILENT
    listed = body.listed if facts.head.text is not None else ()
    texts = (facts.head.text, body.text, *listed, *facts.head.beside, *body.beside)
    return tuple(text for text in texts if text is not None)
