"""The facts of one request, gathered by other rooms and judged in `decision`, which asks for those that it lacks."""

from dataclasses import dataclass, replace
from enum import Enum, StrEnum
from typing import Final

from aimux.core.reason import Reason
from aimux.core.values import value


class Assurance(StrEnum):
    """How a principal's identity was established. A claimed name is a label and proves nothing."""

    NONE = "none"
    CLAIMED = "claimed"


class Place(StrEnum):
    """Where in a request something was found."""

    QUERY = "query"
    HEADER = "header"
    BODY = "body"

    @property
    def key(self) -> str:
        """The key of the configuration that says which names give a caller's identity there."""
        return _KEYS[self]


_KEYS: Final = {
    Place.QUERY: "identity.query_params",
    Place.HEADER: "identity.headers",
    Place.BODY: "identity.body_field",
}


@dataclass(frozen=True, slots=True)
class Claim:
    """One name that a request gives for its caller, exactly as received. None: what stands there is no name."""

    place: Place
    field: str
    name: str | None

    @property
    def fault(self) -> str:
        """The message for a claim that names no registered agent, with a remedy."""
        where = f"in the {self.place.value} ({self.field})"
        if self.name is None:
            what = f"the caller's name {where} is empty or no text: give that of a registered agent"
        else:
            what = (
                f"the agent named {where} is not registered: add it to `agents` in the gateway's configuration, "
                "or leave the name out to call open routes"
            )
        earlier = "name the agent in a header or the query, or " if self.place is Place.BODY else ""
        return f"{what}; where '{self.field}' stands for something else, {earlier}set {self.place.key}"


@dataclass(frozen=True, slots=True)
class Principal:
    """Who is judged: `name` is None for an anonymous caller. `conflicts` are later claims of another name."""

    name: str | None
    assurance: Assurance
    conflicts: tuple[Claim, ...] = ()


ANONYMOUS = Principal(None, Assurance.NONE)


class Opaque(Enum):
    """A body that the gateway cannot judge: one of token ids, or one of a kind that no guard hears."""

    TOKENS = "tokens"
    UNHEARD = "unheard"


@value
class Flaw:
    """Why a part of a request cannot be read: it refuses the request."""

    reason: Reason
    message: str


@value
class Reading:
    """What one part of a request (its head, or its body) says about who asks and what for.

    `field` is the parameter or field that the text was found in, empty where it had none. `beside` are its other texts:
    of a conversation's other messages, of other fields. `listed` are the further texts of a list whose first one is
    `text`: each is judged by itself. `earlier` are the user's texts before the last one, the nearest first; None where
    there may be some that nobody has looked for.
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


SILENT = Reading()


@value
class Stand:
    """A route that some part of a text stands for by itself: the place of the best one there, and that one's score.

    `close` are the places of those that come within the ambiguity threshold of it. `whole` says that the text sets the
    part apart, as a sentence or a clause; otherwise it is some of its words. `brief` says that it has hardly any.

    `runner_up` is the place of the route with the second-highest score of the part, None where only one has intents.
    `words` are those of the part, `span` where they stand in the text: the numbers of the first character and of the
    one behind the last, None where they do not stand in it so. `part` is the part's number among those that were read.
    """

    place: int
    score: float
    close: frozenset[int]
    whole: bool
    brief: bool = False
    runner_up: int | None = None
    runner_up_score: float | None = None
    words: str = ""
    span: tuple[int, int] | None = None
    part: int | None = None


@dataclass(frozen=True, slots=True)
class Scores:
    """Similarity (0-1) of the text to each route of the policy, in its order; None for a route without intents.

    `leaders` may say where the highest scores are, in the routes' order: no other is higher than the lowest of these.
    `stands` are the routes that parts of the text stand for, each kind once. `guards` says of each guard of the
    policy what the text, or the part of it that has most, scores for it. `unread` says that the model does not know
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


class ChosenBy(StrEnum):
    """The means by which the route of a request was chosen."""

    TEXT = "text"
    LIST = "list"
    """Several texts, which all chose the same one, or one of which chose one that the caller may not use."""
    EARLIER_TURN = "earlier_turn"
    NAME = "name"
    PATH = "path"
    NOTHING = "nothing"
    """The fallback takes a request without a text."""


@value
class Facts:
    """All that is known of one request. `body` and `scores` are None until somebody has learnt them.

    `more` are the scores of the texts that the decision has asked for beyond the first, in the order of its asking.
    `method` and `path` are those of the request line; they choose a route only where no text does.
    """

    head: Reading
    route_name: str | None = None
    body: Reading | None = None
    scores: Found | None = None
    more: tuple[Found, ...] = ()
    method: str = ""
    path: str = ""

    def with_body(self, body: Reading) -> "Facts":
        """The same, and what the body says."""
        return Facts(self.head, self.route_name, body, self.scores, self.more, self.method, self.path)

    def with_earlier(self, earlier: tuple[str, ...]) -> "Facts":
        """The same, and what the user said before."""
        return self.with_body(replace(self.body or SILENT, earlier=earlier))

    def with_scores(self, scores: Found) -> "Facts":
        """The same, and the scores of the first text."""
        return Facts(self.head, self.route_name, self.body, scores, self.more, self.method, self.path)

    def with_more(self, more: tuple[Found, ...]) -> "Facts":
        """The same, and the scores of further texts."""
        return Facts(self.head, self.route_name, self.body, self.scores, self.more + more, self.method, self.path)


class Need(Enum):
    """A fact that the decision still lacks."""

    BODY = "body"
    EARLIER = "earlier"
    """The user's texts before the last one."""
    SCORES = "scores"
    MORE = "more"
    """The scores of further texts, each by itself."""


@value
class Ask:
    """Learn this fact of a request, put it into `Facts`, and decide again.

    `text` is what to score when scores are needed, `beside` what else: what they give is put together by `with_beside`.
    `more` are further texts, whose scores go to `Facts.more` in their order.
    """

    need: Need
    text: str = ""
    beside: tuple[str, ...] = ()
    more: tuple[str, ...] = ()


ASK_BODY = Ask(Need.BODY)
ASK_EARLIER = Ask(Need.EARLIER)
