"""The situations that clients are brought into: what is asked of the gateway, by whom, and what becomes of it there."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from clients.upstream.answers import ANSWER
from clients.upstream.server import CUT, FAILING, HTML, REDIRECTING, SLOW

AGENT: Final = "finance-bot"
ALLOWED: Final = "analyze the budget"
FORBIDDEN: Final = "reset the database"
NOWHERE: Final = "how do butterflies sleep"
EITHER: Final = "will it rain tomorrow"
RESULT: Final = "42 million"
_VECTORS: Final = "2 vectors"
MOST_TOKENS: Final = 256
DEAD: Final = "dead"

WITH_FALLBACK: Final = "with a fallback"
WITHOUT_FALLBACK: Final = "without a fallback"
OVERLOADED: Final = "overloaded"
"""The gateways: two with the same routes, and one for which every text that it has not seen waits too long."""


@dataclass(frozen=True, slots=True)
class Situation:
    """One situation.

    `action` is what the client is to do; `agent` how it names itself, if at all; `route` the one that it addresses by
    name, if any; `result` what the tool gives; `good` what its user is to see, None where any answer will do.
    """

    title: str
    action: str = "ask"
    agent: str | None = AGENT
    text: str = ALLOWED
    route: str | None = None
    gateway: str = WITH_FALLBACK
    result: str = RESULT
    good: str | None = ANSWER

    @property
    def headers(self) -> dict[str, str]:
        """What the client sends with each request."""
        given: Mapping[str, str | None] = {"X-Source-Agent": self.agent, "X-AIMux-Route": self.route}
        return {name: value for name, value in given.items() if value is not None}

    def task(self, gateway: str) -> dict[str, object]:
        """What a client's script is told, with the address of the gateway."""
        return {
            "action": self.action,
            "gateway": gateway,
            "headers": self.headers,
            "text": self.text,
            "result": self.result,
        }


TOOL: Final = Situation("A tool call and the turn after it", "tool")
SITUATIONS: Final = (
    Situation("An allowed call"),
    Situation("An allowed call, streamed", "stream"),
    TOOL,
    Situation("A tool whose result reads like a forbidden request", "tool", result=FORBIDDEN),
    Situation("A tool call, the upstream keeping the conversation", "stateful"),
    Situation("The same where there is no fallback", "stateful", gateway=WITHOUT_FALLBACK),
    Situation("Embeddings of a list of texts", "embed", good=_VECTORS),
    Situation("Embeddings of a list of texts, not as token ids", "embed_as_text", good=_VECTORS),
    Situation("Embeddings of token ids", "embed_token_ids", good=_VECTORS),
    Situation("The list of models", "models", good=None),
    Situation("401: an agent that is not registered", agent="stranger"),
    Situation("403: no agent named, and the route wants one", agent=None),
    Situation("403: a route that is not for this agent", text=FORBIDDEN),
    Situation("404: no route for the text, and no fallback", text=NOWHERE, gateway=WITHOUT_FALLBACK),
    Situation("409: a text that two routes have", text=EITHER),
    Situation("413: a text that is too long", text="the budget of this year and of the next " * 50),
    Situation("502: the upstream is not there", route=DEAD),
    Situation("503: the gateway has too much to do", gateway=OVERLOADED),
    Situation("504: the upstream says nothing for too long", route=SLOW),
    *(Situation(f"{status}: the upstream's own answer", route=name) for name, status in FAILING.items()),
    Situation("A stream that is cut", "stream", route=CUT),
    Situation("An answer that is cut", route=CUT),
    Situation("A web page with status 200", route=HTML),
    Situation("A redirect to the path with a slash (307)", route=REDIRECTING),
)
