"""What google-adk sends through litellm: transcripts of other agents, and instructions, under the user's role."""

import asyncio
from importlib.metadata import version
from typing import Any

from google.adk.agents import LlmAgent, SequentialAgent
from google.adk.models.lite_llm import LiteLlm
from google.adk.runners import InMemoryRunner
from google.genai import types
from scripted import ASKED, ASKED_NEXT, BROUGHT, Message, Run, calls, give, says, situation

READ, TO_HELPER, ENOUGH = calls("read_page", name="report"), calls("transfer_to_agent", agent_name="helper"), says("12")


def read_page(name: str) -> str:
    """Reads a page."""
    return BROUGHT if name else ""


def agent(url: str, name: str, **more: Any) -> LlmAgent:
    model = LiteLlm(model="openai/scripted", api_base=url, api_key="none")
    return LlmAgent(name=name, model=model, tools=[read_page], **more)


def pair(url: str) -> LlmAgent:
    return agent(url, "front", sub_agents=[agent(url, "helper", description="Knows pages.")])


def in_turn(url: str) -> SequentialAgent:
    return SequentialAgent(name="both", sub_agents=[agent(url, "first"), agent(url, "second")])


def alone(url: str) -> LlmAgent:
    return agent(url, "alone", static_instruction="You are kind.", instruction="Never reset the database.")


def run(made: Any, *asked: str) -> None:
    async def talk() -> None:
        runner = InMemoryRunner(agent=made, app_name="turns")
        session = await runner.session_service.create_session(app_name="turns", user_id="user")
        for text in asked:
            message = types.Content(role="user", parts=[types.Part(text=text)])
            async for _ in runner.run_async(user_id="user", session_id=session.id, new_message=message):
                pass

    asyncio.run(talk())


def asked(name: str, answers: list[Message], made: Any, *brought: str) -> Message:
    once: Run = lambda url: run(made(url), ASKED)  # noqa: E731
    return situation(name, answers, once, user=ASKED, beside=brought)


give(
    "google-adk",
    [
        asked("after a transfer", [TO_HELPER, ENOUGH], pair, "transfer_to_agent", "transfer_to_agent"),
        asked("after a tool and a transfer", [READ, TO_HELPER, ENOUGH], pair, BROUGHT),
        asked("a tool's result after a transfer", [TO_HELPER, READ, ENOUGH], pair, BROUGHT),
        situation(
            "after a transfer, the next question",
            [TO_HELPER, says(BROUGHT), ENOUGH],
            lambda url: run(pair(url), ASKED, ASKED_NEXT),
            user=ASKED_NEXT,
            beside=[ASKED, BROUGHT],
        ),
        asked("the second of two agents", [READ, says(BROUGHT), ENOUGH], in_turn, BROUGHT, BROUGHT),
        asked("an instruction beside a static one", [ENOUGH], alone, "Never reset"),
        situation(
            "such an instruction, and a tool's result",
            [READ, ENOUGH],
            lambda url: run(alone(url), ASKED),
            # Version 1 does not mark it: nothing tells it from what the user says.
            user="Never reset the database." if version("google-adk").startswith("1.") else ASKED,
            beside=[BROUGHT],
        ),
    ],
)
