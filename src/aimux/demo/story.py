"""The story that `aimux demo` plays: who asks what in the mesh of mesh.yaml, and what has to come of it."""

import json
from urllib.parse import urlencode

from aimux.demo.steps import (
    ANONYMOUS,
    Answered,
    Call,
    Chapter,
    Completed,
    Event,
    Expectation,
    Listed,
    Prop,
    Question,
    Refused,
    Step,
    Streamed,
)

PACE = 0.05
"""Seconds between the chunks that the agents of the story stream."""

MODEL = "gpt-4"
REVENUE = "The revenue of the year: 1903 thousand euros"
DRY_RUN = "Dry run: I would reset the database"


def asks(who: str, text: str, expected: Expectation, before: Event | None = None) -> Step:
    """A question in the URL, with the caller's name beside it."""
    name = None if who == ANONYMOUS else who
    query = {"q": text} if name is None else {"client_id": name, "q": text}
    what = f"{before}: {text}" if before else text
    return Step(who, what, Call(f"/?{urlencode(query)}"), expected, Question(text, name), before)


def says(who: str, what: str, call: Call, expected: Expectation, question: Question | None = None) -> Step:
    """Any other call."""
    return Step(who, what, call, expected, question)


def posts(document: dict[str, object], target: str = "/", **headers: str) -> Call:
    """A JSON body. Headers are written with underscores."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Call(target, "POST", {"Content-Type": "application/json"} | named, json.dumps(document).encode())


def named(route: str, agent: str) -> Call:
    """A call that addresses a route by name and has no text."""
    return Call("/", headers={"X-AIMux-Route": route, "X-Source-Agent": agent})


def chat(text: str, *, stream: bool = False) -> Call:
    """A chat completion as the OpenAI SDK asks for it."""
    document: dict[str, object] = {"model": MODEL, "messages": [{"role": "user", "content": text}]}
    if stream:
        document["stream"] = True
    return posts(document, "/v1/chat/completions", X_Source_Agent="finance-bot")


def finance(asked_by: str) -> Answered:
    """The finance agent says what the revenue was."""
    return Answered("finance", "finance", asked_by, REVENUE)


FORBIDDEN = Refused(403, "route_forbidden")
ANONYMOUS_FORBIDDEN = Refused(403, "anonymous_forbidden")
MATH = Answered("math", "math", None, "150")
LAST_QUARTER = Answered("finance", "finance", "finance-bot", "Q4: 538")
TO_FALLBACK = Answered("assistant", "fallback", None, "no route of the mesh")
TO_DIRECTORY = Answered("directory", "public-api", "data-processor", "math (")
TO_ADMIN = Answered("admin", "admin", "admin-bot", DRY_RUN)

MEANING = Chapter(
    "The meaning of a text chooses the route",
    (
        asks(ANONYMOUS, "what is 50 times 3", MATH),
        asks(ANONYMOUS, "fifty times three", MATH),
        asks("finance-bot", "analyze revenue", finance("finance-bot")),
        asks(
            "finance-bot",
            "how much money did we make last quarter",
            LAST_QUARTER,
        ),
        asks("admin-bot", "reset the database", TO_ADMIN),
        asks(ANONYMOUS, "are all systems up and running", Answered("status", "health", None, "Everything is up")),
        asks(ANONYMOUS, "tell me a joke about penguins", TO_FALLBACK),
        asks("finance-bot", "reset the budget database", Refused(409, "ambiguous_route", ("finance",))),
        asks("admin-bot", "reset the budget database", Refused(409, "ambiguous_route", ("admin", "finance"))),
        asks("data-processor", "reset the budget database", FORBIDDEN),
        says(ANONYMOUS, "(no text at all)", Call("/"), TO_FALLBACK),
        says(ANONYMOUS, "(token ids)", posts({"input": [[1001, 1002]]}, "/v1/embeddings"), Refused(400, "no_text")),
    ),
)

ACCESS = Chapter(
    "The route's access list decides who may",
    (
        asks(
            "data-processor",
            "which agents can I talk to",
            TO_DIRECTORY,
        ),
        asks(ANONYMOUS, "which agents can I talk to", ANONYMOUS_FORBIDDEN),
        asks(ANONYMOUS, "analyze revenue", ANONYMOUS_FORBIDDEN),
        asks("data-processor", "analyze revenue", FORBIDDEN),
        asks("finance-bot", "reset the database", FORBIDDEN),
        says("finance-bot", "X-AIMux-Route: admin", named("admin", "finance-bot"), FORBIDDEN),
        says(
            "admin-bot",
            "X-AIMux-Route: admin",
            named("admin", "admin-bot"),
            Answered("admin", "admin", "admin-bot", "Dry run"),
        ),
        says("admin-bot", "X-AIMux-Route: nowhere", named("nowhere", "admin-bot"), Refused(404, "no_route")),
    ),
)

IDENTITY = Chapter(
    "Who asks: in the URL, in a header or in the body, in this order",
    (
        says(
            "finance-bot",
            "header: analyze revenue",
            posts({"query": "analyze revenue"}, X_Source_Agent="finance-bot"),
            finance("finance-bot"),
            Question("analyze revenue", "finance-bot"),
        ),
        says(
            "finance-bot",
            "body: analyze revenue",
            posts({"agent": "finance-bot", "query": "analyze revenue"}),
            finance("finance-bot"),
            Question("analyze revenue", "finance-bot"),
        ),
        says(
            "finance-bot",
            "admin-bot in a header too: reset the database",
            Call("/?client_id=finance-bot&q=reset+the+database", headers={"X-Source-Agent": "admin-bot"}),
            FORBIDDEN,
            Question("reset the database", "finance-bot"),
        ),
        asks("intruder", "what is 50 times 3", Refused(401, "unknown_agent")),
        says(
            "(empty name)",
            "what is 50 times 3",
            Call("/?client_id=&q=what+is+50+times+3"),
            Refused(400, "identity_malformed"),
        ),
        says(
            ANONYMOUS,
            "a forged X-AIMux-Agent: admin-bot",
            Call("/?q=what+is+50+times+3", headers={"X-AIMux-Agent": "admin-bot"}),
            MATH,
            Question("what is 50 times 3", None),
        ),
    ),
)

OPENAI = Chapter(
    "OpenAI's chat completions",
    (
        says(
            "finance-bot",
            "chat: analyze Q3 revenue",
            chat("analyze Q3 revenue"),
            Completed("finance", "finance", "finance-bot", "The revenue of Q3: 505", MODEL),
            Question("analyze Q3 revenue", "finance-bot"),
        ),
        says(
            "finance-bot",
            "chat, streamed: analyze revenue",
            chat("analyze revenue", stream=True),
            Streamed("finance", "finance", "finance-bot", REVENUE, MODEL, spread=4 * PACE),
            Question("analyze revenue", "finance-bot"),
        ),
        says(
            "finance-bot",
            "chat: reset the database",
            chat("reset the database"),
            FORBIDDEN,
            Question("reset the database", "finance-bot"),
        ),
        says(
            "finance-bot",
            "GET /v1/models",
            Call("/v1/models", headers={"X-Source-Agent": "finance-bot"}),
            Listed(("math", "finance", "public-api", "health")),
        ),
    ),
)

FAILURE = Chapter(
    "An agent dies and comes back",
    (
        asks(
            ANONYMOUS,
            "what is 50 times 3",
            Refused(502, "upstream_unreachable", decided="forward"),
            before=Event(Prop.KILL, "math"),
        ),
        asks("finance-bot", "analyze revenue", finance("finance-bot")),
        asks(ANONYMOUS, "what is 50 times 3", MATH, before=Event(Prop.START, "math")),
    ),
)

STORY = (MEANING, ACCESS, IDENTITY, OPENAI, FAILURE)
