"""The management endpoints and the shape of what each answers, for the answers themselves and for their description."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema

from aimux.core.operator import OperatorProof, Role
from aimux.core.policy import Access
from aimux.core.reason import Reason


class Answer(BaseModel):
    """What all answers share. Only those that are given pay for building their validator, and only then."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)


class Health(Answer):
    """The process serves."""

    status: Literal["ok"]


class Ready(Answer):
    """New requests are taken."""

    status: Literal["ready"]
    detail: Annotated[
        str | None, Field(description="What the gateway does without, for operators; left out where it lacks nothing.")
    ] = None


class NotReady(Answer):
    """New requests are refused: the gateway is starting, shutting down, or something stands in its way."""

    status: Literal["not_ready", "draining"]
    detail: Annotated[str | None, Field(description="Why, for operators; left out where anybody else asks.")] = None


class FallbackEntry(Answer):
    """Where texts go that match no route, and who may use it."""

    upstream: Annotated[str, Field(description="URL of the service.")]
    access: Access
    allowed: Annotated[
        list[str],
        Field(
            description="The agents that may use it, where access is restricted, and groups of them as group:name. "
            "Who is in a group stands under /agents."
        ),
    ]


class RouteEntry(FallbackEntry):
    """A route: where it leads, what leads to it, and who may use it."""

    name: str
    intents: Annotated[
        list[str], Field(description="Empty where the route is reached by its name, prefix or paths only.")
    ]
    prefix: Annotated[str | None, Field(description="The prefix of paths that addresses it; null where it has none.")]
    min_score: Annotated[float, Field(ge=0, le=1, description="Score below which a text does not match it.")]


class Routes(Answer):
    """The routes in force, in the configuration's order."""

    routes: list[RouteEntry]
    fallback: FallbackEntry | None


class AgentEntry(Answer):
    """A registered agent."""

    name: str
    groups: Annotated[list[str], Field(description="Names of the groups that it is in.")]
    routes: Annotated[list[str], Field(description="Names of the routes that it may use, by its name or a group.")]


class GroupEntry(Answer):
    """A group of agents."""

    name: str
    members: Annotated[list[str], Field(description="The agents in it. Empty where nobody is.")]


class Agents(Answer):
    """The registered agents and their groups, by name."""

    agents: list[AgentEntry]
    groups: list[GroupEntry]


class LastReload(Answer):
    """The last attempt to take a new configuration over."""

    at: Annotated[str, WithJsonSchema({"type": "string", "format": "date-time"})]
    successful: bool
    problems: Annotated[list[str], Field(description="Why it was not taken over, and what to do. Empty where it was.")]


class WorkerEntry(Answer):
    """A worker, and what it serves by."""

    worker: Annotated[int, Field(ge=1, description="Its place among the workers.")]
    pid: int
    config: Annotated[str | None, Field(description="Digest of its configuration. null: it has none yet.")]
    standing: Annotated[int, Field(description="Version of the standing that it has acknowledged.")]


class StateEntry(Answer):
    """Where that is kept which changes while the gateway runs."""

    store: Literal["sqlite", "memory"]
    lasting: Annotated[
        bool, Field(description="Whether it outlasts the gateway. Where not, commands that must do so are refused.")
    ]
    problem: Annotated[str | None, Field(description="What is wrong with it. null: nothing.")]


class ConfigurationInForce(Answer):
    """The configuration in force, defaults filled in."""

    config: Annotated[
        dict[str, Any],
        Field(
            description="By section, with the keys that `aimux schema` describes. Secrets appear as ***, a value from "
            "the environment as it was written: ${NAME}."
        ),
    ]
    digest: Annotated[str, Field(pattern="^[0-9a-f]{64}$", description="SHA-256 of it, its secrets left out.")]
    loaded_at: Annotated[str, WithJsonSchema({"type": "string", "format": "date-time"})]
    last_reload: Annotated[LastReload | None, Field(description="null where none has been tried since the start.")]
    workers: Annotated[list[WorkerEntry], Field(description="The workers that answer now, by their places.")]
    state: StateEntry


class Session(Answer):
    """The operator who asks, as it has proved itself."""

    name: Annotated[
        str, Field(description="Of the configuration; `admin` for server.admin_token, `uid:1000` of a user.")
    ]
    role: Role
    proof: Annotated[OperatorProof, Field(description="A bearer token, or the user at the other end of a Unix socket.")]
    commands: Annotated[bool, Field(description="Whether it may give commands.")]


class RefusalDetail(Answer):
    """Why a request was refused."""

    code: Annotated[str, WithJsonSchema({"type": "string", "enum": sorted(reason.code for reason in Reason)})]
    type: Annotated[str, WithJsonSchema({"type": "string", "enum": sorted({reason.kind for reason in Reason})})]
    status: Annotated[int, Field(ge=400, le=599, description="The response's status.")]
    message: Annotated[str, Field(description="What is wrong and what to do, for people.")]
    request_id: Annotated[str, Field(description="The same as in X-Request-ID and in the log.")]


class RefusalBody(Answer):
    """The one shape of everything that the gateway refuses."""

    error: RefusalDetail
