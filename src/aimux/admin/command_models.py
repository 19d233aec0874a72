"""The shapes of what commands answer."""

from typing import Annotated, Any, Literal

from pydantic import Field

from aimux.admin.models import Answer, RefusalBody

_Digest = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


class SettingChange(Answer):
    """A setting that a reload has changed. null stands for what is not there."""

    path: Annotated[str, Field(description="As in routes.finance.allowed.")]
    before: Any
    after: Any


class ReloadAnswer(Answer):
    """The configuration file was read again, and is in force on every worker."""

    command: Literal["reload"]
    before: Annotated[_Digest, Field(description="Digest of the configuration that was in force.")]
    after: Annotated[_Digest, Field(description="Digest of the one that is.")]
    changes: list[SettingChange]


class CommandRefusal(RefusalBody):
    """Why a command was refused."""

    problems: Annotated[list[str], Field(description="What stands in the way, one thing each; may be left out.")]
