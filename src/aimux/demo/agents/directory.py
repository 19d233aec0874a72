"""The directory agent, which the route `public-api` leads to: who is in this mesh, and what to ask them."""

from aimux.demo.agents.asking import Question
from aimux.demo.agents.serving import Agent, run

ENTRIES = {
    "math": "arithmetic, for everybody: what is 50 times 3",
    "finance": "revenue, costs and budget, for finance-bot and admin-bot: analyze Q3 revenue",
    "admin": "databases and accounts, for admin-bot alone: reset the database",
    "public-api": "this directory, for every registered agent: which agents can I talk to",
    "health": "the state of the mesh, for everybody: is everything up and running",
}


def answer(question: Question) -> str:
    """The entry of the route that the question names; all of them where it names none."""
    named = [name for name in ENTRIES if name in question.words]
    return "; ".join(f"{name} ({ENTRIES[name]})" for name in named or ENTRIES) + "."


AGENT = Agent("directory", answer)

if __name__ == "__main__":
    run(AGENT)
