"""The assistant, which the fallback leads to: it answers where no route matches, with one of a few fixed sentences."""

import re

from aimux.demo.agents.asking import Question
from aimux.demo.agents.serving import Agent, run

HONEST = "I am a small canned agent, not a language model"
REPLIES = {
    r"\b(hello|hi|hey|good (morning|evening))\b": f"Hello. {HONEST}, so this is nearly all that I can say.",
    r"\b(thanks|thank you)\b": "You are welcome.",
    r"\bwho are you|what are you|your name\b": f"{HONEST}. I stand where your own model would: behind the fallback.",
}
OTHERWISE = (
    f"{HONEST}, and cannot answer that. You reached me because no route of the mesh matched your text. "
    "Try 'what is 50 times 3'."
)


def answer(question: Question) -> str:
    """The first reply whose pattern is in the text."""
    words = question.words
    return next((reply for pattern, reply in REPLIES.items() if re.search(pattern, words)), OTHERWISE)


AGENT = Agent("assistant", answer)

if __name__ == "__main__":
    run(AGENT)
