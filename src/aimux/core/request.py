"""The facts of one request, gathered by other rooms and judged in `decision`."""

from dataclasses import dataclass
from enum import StrEnum

from aimux.core.reason import Reason
from aimux.core.values import value


class Established(StrEnum):
    """How a principal's identity was established. A claimed name is a label and proves nothing."""

    NONE = "none"
    CLAIMED = "claimed"


class Place(StrEnum):
    """Where in a request something was found."""

    QUERY = "query"
    HEADER = "header"
    BODY = "body"


@dataclass(frozen=True, slots=True)
class Claim:
    """One name that a request gives for its caller, exactly as received."""

    place: Place
    field: str
    name: str


@dataclass(frozen=True, slots=True)
class Principal:
    """Who is judged: `name` is None for an anonymous caller. `conflicts` are later claims of another name."""

    name: str | None
    established: Established
    conflicts: tuple[Claim, ...] = ()


ANONYMOUS = Principal(None, Established.NONE)


@value
class Flaw:
    """Why a part of a request cannot be read: it refuses the request."""

    reason: Reason
    message: str


@value
class Reading:
    """What one part of a request (its head, or its body) says about who asks and what for.

    `field` is the parameter or field that the text was found in, empty where it had none. `beside` are its other texts:
    of a conversation's other messages, of other fields.
    """

    claims: tuple[Claim, ...] = ()
    text: str | None = None
    dialect: str = ""
    flaw: Flaw | None = None
    field: str = ""
    beside: tuple[str, ...] = ()


SILENT = Reading()


@value
class Stand:
    """A route that some part of a text stands for by itself: the place of the best one there, and that one's score.

    `close` are the places of those that come within the ambiguity threshold of it. `whole` says that the text sets the
    part apart, as a sentence or a clause; otherwise it is some of its words. `brief` says that it has hardly any.
    """

    place: int
    score: float
    close: frozenset[int]
    whole: bool
    brief: bool = False


@dataclass(frozen=True, slots=True)
class Scores:
    """Similarity (0-1) of the text to each route of the snapshot, in its order; None for a route without intents.

    `leaders` may say where the highest scores are, in the routes' order: no other is higher than the lowest of these.
    `stands` are the routes that parts of the text stand for, each kind once. `guards` says of each guard of the
    snapshot what the text, or the part of it that has most, scores for it. `unread` says that the model does not know
    the words of some of it, so that no score tells what these mean.
    """

    values: tuple[float | None, ...]
    leaders: tuple[int, ...] = ()
    stands: tuple[Stand, ...] = ()
    guards: tuple[float, ...] = ()
    unread: bool = False


@value
class TextTooLong:
    """The text was not scored because it has `tokens` tokens (a lower bound) and only `limit` are allowed."""

    tokens: int
    limit: int


@value
class Illegible:
    """The text was not scored, for no reader could tell what it says; `why` says so, and what to do."""

    why: str


Found = Scores | TextTooLong | Illegible
"""What reading a text gives."""


@value
class Scored:
    """What scoring a text gave, whether it came from the cache, and the seconds that it took, the wait included."""

    scores: Found
    cached: bool = False
    seconds: float = 0.0


@value
class Facts:
    """All that is known of one request. `body` and `scores` are None until somebody has learnt them."""

    head: Reading
    route_name: str | None = None
    body: Reading | None = None
    scores: Found | None = None
