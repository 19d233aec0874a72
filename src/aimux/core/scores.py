"""Scores: a text's similarity to each route and guard, or the reason for which it has none."""

from dataclasses import dataclass

from aimux.core.values import value


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
