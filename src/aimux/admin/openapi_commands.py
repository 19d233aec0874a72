"""The OpenAPI description of operators' commands."""

from typing import Any, Final

from aimux.admin.command_models import CommandRefusal, ReloadAnswer
from aimux.admin.models import Answer, RefusalBody

Json = dict[str, Any]
COMMAND_MODELS: Final[tuple[type[Answer], ...]] = (ReloadAnswer, CommandRefusal)
_REFUSED: Final = {
    "400": "The body is no JSON object, or has arguments that the command does not take.",
    "401": "Nobody has proved to be an operator.",
    "403": "The operator's role gives no commands, or the page of another site made a browser ask.",
    "404": "There is no such command.",
    "405": "Another method than POST.",
    "413": "The body has more than 64 KiB.",
    "415": "The body is not application/json, or is encoded.",
    "422": "The configuration is not taken over: see the problems.",
    "503": "The command cannot be recorded, the gateway is shutting down, or the workers did not answer in time.",
}


def command_paths(refs: str) -> Json:
    """The paths of commands; `refs` is the form of a reference to a model."""

    def answered(model: type[Answer], about: str) -> Json:
        schema = {"$ref": refs.format(model=model.__name__)}
        return {"description": about, "content": {"application/json": {"schema": schema}}}

    refusals = {
        status: answered(CommandRefusal if status == "422" else RefusalBody, about)
        for status, about in _REFUSED.items()
    }
    about = " ".join((ReloadAnswer.__doc__ or "").split())
    return {
        "/admin/reload": {
            "post": {
                "operationId": "admin_reload",
                "summary": "Read the configuration file again, and take it over whole or not at all",
                "security": [{"token": []}],
                "requestBody": {
                    "required": True,
                    "content": {"application/json": {"schema": {"type": "object", "additionalProperties": False}}},
                },
                "responses": {"200": answered(ReloadAnswer, about), **refusals},
            }
        }
    }
