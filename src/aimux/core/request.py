"""The facts of one request, gathered by other rooms and judged in `decision`, which needs those that it lacks."""

import math
from dataclasses import dataclass
from enum import Enum, StrEnum
from typing import ClassVar, Final, NamedTuple, cast

from aimux.core.identity import Claim, Evidence, Proven
from aimux.core.reason import Reason
from aimux.core.scores import Found
from aimux.core.values import value


class Opaque(Enum):
    """A body that the gateway cannot judge: one of token ids, or one of a kind that no guard hears."""

    TOKENS = "tokens"
    UNHEARD = "unheard"


@value
class Flaw:
    """Why a part of a request cannot be read: it refuses the request."""

    reason: Reason
    message: str


class Protocol(StrEnum):
    """The protocol that a request is written in."""

    PLAIN = "plain"
    OPENAI = "openai"
    ANTHROPIC = "anthropic"
    MCP = "mcp"
    A2A = "a2a"


MCP_TARGETS: Final = {"tools/call": "name", "prompts/get": "name", "resources/read": "uri"}
"""The parameter that names the tool, prompt or resource of an MCP method."""
_WITH_MODELS: Final = frozenset({Protocol.OPENAI, Protocol.ANTHROPIC})


class Action(NamedTuple):
    """The operation that a request asks for, in the words of its protocol: ("openai", "chat.completions", "gpt-4").

    `target` is what the caller calls it, None where it names nothing.
    """

    protocol: Protocol
    method: str
    target: str | None = None

    @property
    def target_field(self) -> str:
        """The name of the field of the body that says the target; empty where none does."""
        if self.protocol is Protocol.MCP:
            return MCP_TARGETS.get(self.method, "")
        return "model" if self.protocol in _WITH_MODELS else ""


@dataclass(slots=True, unsafe_hash=True)
class Reading:
    """What one part of a request (its head, or its body) says about who asks and what for.

    `field` is the parameter or field that the text was found in, empty where it had none. `beside` are its other texts:
    of a conversation's other messages, of other fields. `listed` are the further texts of a list whose first one is
    `text`: each is judged by itself. `earlier` are the user's texts before the last one, the nearest first; None where
    there may be some that nobody has looked for.
    `wire` puts it together, the `action` last; nobody changes it afterwards.
    """

    claims: tuple[Claim, ...] = ()
    text: str | None = None
    dialect: str = ""
    flaw: Flaw | None = None
    field: str = ""
    beside: tuple[str, ...] = ()
    listed: tuple[str, ...] = ()
    earlier: tuple[str, ...] | None = ()
    opaque: Opaque | None = None
    action: Action | None = None


SILENT = Reading()


class ChosenBy(StrEnum):
    """The means by which the route of a request was chosen."""

    TEXT = "text"
    LIST = "list"
    """Several texts, which all chose the same one, or one of which chose one that the caller may not use."""
    EARLIER_TURN = "earlier_turn"
    NAME = "name"
    """The header X-AIMux-Route."""
    PREFIX = "prefix"
    """The prefix of the path, whatever the header says beside it."""
    PATH = "path"
    """The path of a request without a text, which a route claims."""
    NOTHING = "nothing"
    """The fallback takes a request without a text."""


@value
class NeedBody:
    """Learn what the body says, as a Reading."""

    fact: ClassVar[str] = "body"


@value
class NeedProof:
    """Verify this evidence: what holds of it, as a tuple of Proven. Evidence that is somebody else's proves nothing."""

    evidence: tuple[Evidence, ...]
    fact: ClassVar[str] = "proven"


@value
class NeedScores:
    """Score a text, and what stands beside it: both as the one Found that `with_beside` makes of them."""

    text: str
    beside: tuple[str, ...] = ()
    fact: ClassVar[str] = "scores"


@value
class NeedMore:
    """Score further texts, each by itself: as a tuple of Found, in their order."""

    texts: tuple[str, ...]
    fact: ClassVar[str] = "more"


@value
class NeedEarlier:
    """Learn the user's texts before the last one, the nearest first."""

    fact: ClassVar[str] = "earlier"


Need = NeedBody | NeedProof | NeedScores | NeedMore | NeedEarlier
"""A fact that the decision lacks: learn it, hand it to `Facts.learn`, and decide again."""
Learnt = Reading | Found | tuple[Proven, ...] | tuple[Found, ...] | tuple[str, ...]

NEED_BODY: Final = NeedBody()
NEED_EARLIER: Final = NeedEarlier()


@dataclass(slots=True)
class Facts:
    """All that is known of one request. Facts are added by their name, each once; none is changed.

    `now` is the moment that the request is judged at, in seconds since the epoch; to whoever leaves it out, all that
    expires has expired. `route_name` is the route that the request names: `named_by` says whether the prefix of its
    path does or the header alone, `names_differ` that the two name different ones. `method` and `path` are those of the
    request line, the path without a prefix; they choose a route only where no text does.
    What has to be learnt is None until it is: `proven`, `body`, `scores`, `earlier`. `more` are the scores of the texts
    that the decision has needed beyond the first, in the order of its need.
    """

    head: Reading
    route_name: str | None = None
    method: str = ""
    path: str = ""
    now: float = math.inf
    evidence: tuple[Evidence, ...] = ()
    proven: tuple[Proven, ...] | None = None
    body: Reading | None = None
    scores: Found | None = None
    earlier: tuple[str, ...] | None = None
    more: tuple[Found, ...] = ()
    named_by: ChosenBy = ChosenBy.NAME
    names_differ: bool = False

    def learn(self, need: Need, learnt: Learnt) -> None:
        """Add the fact that was needed. Raises ValueError where it is known already."""
        name = need.fact
        if name == "more":
            self.more += cast("tuple[Found, ...]", learnt)
        elif getattr(self, name) is None:
            setattr(self, name, learnt)
        else:
            raise ValueError(f"'{name}' of a request is learnt once")

    @property
    def action(self) -> Action | None:
        """The action that head and body have told so far."""
        return (self.body.action if self.body else None) or self.head.action
