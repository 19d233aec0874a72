"""What a story is made of: calls to the gateway, and what has to come of each."""

from dataclasses import dataclass, field
from enum import StrEnum

ANONYMOUS = "anonymous"


class Prop(StrEnum):
    """What happens to an agent before a step."""

    KILL = "kill"
    START = "start"


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happens to one of the example agents."""

    prop: Prop
    agent: str

    def __str__(self) -> str:
        return f"{self.agent} {'is killed' if self.prop is Prop.KILL else 'is back'}"


@dataclass(frozen=True, slots=True)
class Call:
    """One HTTP request to the gateway."""

    target: str
    method: str = "GET"
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes | None = None


@dataclass(frozen=True, slots=True)
class Answered:
    """The request reaches exactly this agent, which sees this caller, and its answer holds `says`."""

    agent: str
    route: str
    asked_by: str | None
    says: str

    @property
    def verdict(self) -> str:
        """The decision, in the words of `aimux route`."""
        return "fallback" if self.route == "fallback" else "forward"

    def __str__(self) -> str:
        return f"200 {self.agent}"


@dataclass(frozen=True, slots=True)
class Completed(Answered):
    """The same, in the shape of a chat completion for `model`."""

    model: str


@dataclass(frozen=True, slots=True)
class Streamed(Completed):
    """The same in chunks, the last of which comes at least `spread` seconds after the first."""

    spread: float

    def __str__(self) -> str:
        return f"200 {self.agent}, in chunks"


@dataclass(frozen=True, slots=True)
class Refused:
    """No agent sees the request. `decided` is the decision's verdict, where it is not the refusal itself."""

    status: int
    code: str
    candidates: tuple[str, ...] = ()
    decided: str = ""

    @property
    def verdict(self) -> str:
        """The decision, in the words of `aimux route`."""
        return self.decided or self.code

    def __str__(self) -> str:
        return f"{self.status} {self.code}"


@dataclass(frozen=True, slots=True)
class Listed:
    """The gateway itself answers with a list of these routes as models."""

    routes: tuple[str, ...]

    def __str__(self) -> str:
        return f"200 {', '.join(self.routes)}"


Expectation = Answered | Refused | Listed


@dataclass(frozen=True, slots=True)
class Question:
    """What is decided on, where the decision depends on a text: it is asked of `aimux route` too."""

    text: str
    agent: str | None


@dataclass(frozen=True, slots=True)
class Step:
    """One row of the story. `who` and `what` are for its reader."""

    who: str
    what: str
    call: Call
    expected: Expectation
    question: Question | None = None
    before: Event | None = None


@dataclass(frozen=True, slots=True)
class Chapter:
    """Steps that show one thing."""

    title: str
    steps: tuple[Step, ...]
