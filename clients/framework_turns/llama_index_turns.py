"""What llama-index's ReAct agent sends: tool results under the user's role, unless it is told to use the tool's."""

import asyncio

from llama_index.core.agent.workflow import ReActAgent
from llama_index.core.memory import ChatMemoryBuffer
from llama_index.llms.openai_like import OpenAILike
from scripted import ASKED, ASKED_NEXT, BROUGHT, Message, Run, give, says, situation


def read_page(name: str) -> str:
    """Reads a page."""
    if name == "missing":
        raise ValueError(BROUGHT)
    return BROUGHT


def run(*asked: str) -> Run:
    async def talk(url: str) -> None:
        llm = OpenAILike(model="scripted", api_base=url, api_key="none", is_chat_model=True, context_window=8000)
        agent = ReActAgent(tools=[read_page], llm=llm, streaming=False)
        memory = ChatMemoryBuffer.from_defaults(token_limit=8000)
        for text in asked:
            await agent.run(text, memory=memory)

    return lambda url: asyncio.run(talk(url))


def act(name: str) -> Message:
    return says(f'Thought: I need the page.\nAction: read_page\nAction Input: {{"name": "{name}"}}')


def asked(name: str, answers: list[Message], *brought: str) -> Message:
    return situation(name, answers, run(ASKED), user=ASKED, beside=brought)


ENOUGH = says("Thought: I can answer without using any more tools.\nAnswer: Twelve millions.")
give(
    "llama-index-core",
    [
        asked("a tool's result", [act("report"), ENOUGH], BROUGHT),
        asked("two results", [act("report"), act("report"), ENOUGH], BROUGHT, BROUGHT),
        asked("a tool's error", [act("missing"), ENOUGH], BROUGHT),
        asked(
            "an action without a name",
            [says(f"Thought: {BROUGHT}\nAction: \nAction Input: x"), ENOUGH],
            BROUGHT,
            BROUGHT,
        ),
        situation(
            "the next question", [act("report"), ENOUGH], run(ASKED, ASKED_NEXT), user=ASKED_NEXT, beside=[ASKED]
        ),
    ],
)
