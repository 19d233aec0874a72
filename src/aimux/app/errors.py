"""Why a gateway cannot start, or a configuration not be taken over."""

from typing import Final

from aimux.config.lasting import restart_problems

NOT_TAKEN: Final = "not taken over, the configuration in force stays"

CHANGED_MEANWHILE: Final = "the configuration file has changed since the command was recorded: give it again"


class StartError(Exception):
    """The gateway cannot start. The message is one line for the operator and says what to do."""


class ReloadError(Exception):
    """A new configuration cannot be taken over; the one in force stays. `problems` are lines for the operator."""

    def __init__(self, *problems: str) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


class RestartNeededError(ReloadError):
    """Settings have changed that are read only when the gateway starts."""

    def __init__(self, settings: tuple[str, ...]) -> None:
        super().__init__(*restart_problems(settings))
