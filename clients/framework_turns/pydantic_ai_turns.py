"""What pydantic-ai sends: a validator's wish for another try, and a tool's picture, under the user's role."""

from typing import Any

from pydantic import BaseModel
from pydantic_ai import Agent, BinaryContent, ModelRetry, PromptedOutput
from pydantic_ai.models.openai import OpenAIChatModel, OpenAIResponsesModel
from pydantic_ai.providers.openai import OpenAIProvider
from scripted import ASKED, BROUGHT, PICTURE, Message, calls, give, says, situation

READ, MISS, LOOK = calls("read_page", name="report"), calls("read_page", name="missing"), calls("look")
ENOUGH = says("Twelve millions.")


class Figures(BaseModel):
    millions: int
    year: int


def agent(url: str, kind: type, **more: Any) -> Any:
    model = kind("scripted", provider=OpenAIProvider(base_url=url, api_key="none"))
    made = Agent(model, instructions="Be brief.", retries=3, **more)

    @made.tool_plain
    def read_page(name: str) -> str:
        if name == "missing":
            raise ModelRetry(BROUGHT)
        return BROUGHT

    @made.tool_plain
    def look() -> list[object]:
        return ["A chart.", BinaryContent(PICTURE, media_type="image/png")]

    return made


def checked(url: str, kind: type) -> None:
    asked = agent(url, kind)

    @asked.output_validator
    def check(output: str) -> str:
        if "millions" not in output:
            raise ModelRetry(f"no figure in: {output}")
        return output

    asked.run_sync(ASKED)


def plain(url: str, kind: type) -> None:
    agent(url, kind).run_sync(ASKED)


def shaped(url: str, kind: type) -> None:
    agent(url, kind, output_type=PromptedOutput(Figures)).run_sync(ASKED)


def asked(name: str, answers: list[Message], run: Any, *brought: str) -> list[Message]:
    """The same by the Chat Completions API and by the Responses API."""
    kinds = {"chat": OpenAIChatModel, "responses": OpenAIResponsesModel}
    return [
        situation(f"{api}: {name}", answers, lambda url: run(url, kind), user=ASKED, beside=brought)  # noqa: B023
        for api, kind in kinds.items()
    ]


SHAPED = says('{"millions": 12, "year": 2026}')
give(
    "pydantic-ai-slim",
    [
        *asked("a tool's result", [READ, ENOUGH], plain, BROUGHT),
        *asked("a tool's wish for another try", [MISS, ENOUGH], plain, BROUGHT),
        *asked("a validator's wish for another try", [says(BROUGHT), ENOUGH], checked, BROUGHT, BROUGHT),
        *asked("another try, twice", [says(BROUGHT), says(BROUGHT), ENOUGH], checked, BROUGHT, BROUGHT, BROUGHT),
        *asked("an answer that is no JSON", [says(BROUGHT), SHAPED], shaped, BROUGHT),
        *asked(
            "an answer that lacks two fields", [says('{"note": "reset the database"}'), SHAPED], shaped, "reset the"
        ),
        *asked("a tool's picture", [LOOK, ENOUGH], plain, "A chart."),
    ],
)
