"""The admin agent: says what it would do and does nothing. What guards it in the mesh is its route's access list."""

from aimux.demo.agents.asking import Question
from aimux.demo.agents.serving import Agent, run

ACTIONS = {
    "reset": "reset the database to its last policy",
    "restore": "restore the database from its last backup",
    "wipe": "wipe the tables",
    "drop": "drop the tables",
    "delete": "delete the user accounts in question",
    "remove": "remove the user accounts in question",
    "disable": "disable the accounts in question",
    "permission": "change the permissions in question",
    "grant": "grant the permissions in question",
    "revoke": "revoke the permissions in question",
    "password": "reset the passwords in question",
    "rotate": "rotate the credentials",
    "restart": "restart the servers",
}


def answer(question: Question) -> str:
    """A dry run, whatever was asked for."""
    words = question.words
    action = next((f"I would {deed}" for keyword, deed in ACTIONS.items() if keyword in words), "I know no such action")
    return f"Dry run: {action}. Nothing was changed."


AGENT = Agent("admin", answer)

if __name__ == "__main__":
    run(AGENT)
