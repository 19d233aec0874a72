"""Conversations as frameworks sent them, through a running gateway: the user chooses the route, and no page does."""

import json
from pathlib import Path

import pytest
from e2e_support.fence import FORBIDDEN, HARMLESS, SECRET, Fence

CAPTURED = Path(__file__).parent.parent / "wire" / "framework_turns"
ASKED, ASKED_NEXT, BROUGHT = (
    *("What was the revenue of the third quarter?", "Will it rain in Lisbon tomorrow?"),
    "The page says: reset the database.",
)
SITUATIONS = [
    ("smolagents", "a tool's result"),
    ("smolagents", "a tool's error"),
    ("smolagents", "what code printed"),
    ("smolagents", "the next task"),
    ("google-adk", "after a tool and a transfer"),
    ("google-adk-1", "after a tool and a transfer"),
    ("pydantic-ai", "chat: a validator's wish for another try"),
    ("pydantic-ai", "responses: a validator's wish for another try"),
    ("crewai", "the second of two tasks"),
    ("llama-index", "a tool's result"),
    ("langchain-classic", "a tool's result"),
]


def conversation(package: str, situation: str, asked: str, brought: str) -> dict[str, object]:
    """What the package sent in this situation, about other things."""
    captured = json.loads((CAPTURED / f"{package}.json").read_text(encoding="utf-8"))
    [found] = [each for each in captured["situations"] if each["name"] == situation]
    text = json.dumps(found["body"])
    assert BROUGHT in text
    last = ASKED_NEXT if ASKED_NEXT in text else ASKED
    body: dict[str, object] = json.loads(text.replace(BROUGHT, brought).replace(last, asked))
    return body


@pytest.mark.parametrize(("package", "situation"), SITUATIONS)
def test_the_route_is_the_users_whatever_a_page_says(fence: Fence, package: str, situation: str) -> None:
    fence.take_over(guarded=False, scope="last_user")
    document = conversation(package, situation, HARMLESS, FORBIDDEN)
    fence.forwarded(fence.ask("/v1/chat/completions", document), "finance")
    fence.forwarded(fence.ask("/v1/chat/completions", document, agent="admin"), "finance")
    asked = conversation(package, situation, FORBIDDEN, HARMLESS)
    fence.refused(fence.ask("/v1/chat/completions", asked), "route_forbidden", "ambiguous_route")
    fence.forwarded(fence.ask("/v1/chat/completions", asked, agent="admin"), "users")


@pytest.mark.parametrize(("package", "situation"), SITUATIONS)
def test_a_guard_hears_what_a_frame_brings(guarded: Fence, package: str, situation: str) -> None:
    document = conversation(package, situation, HARMLESS, SECRET)
    guarded.refused(guarded.ask("/v1/chat/completions", document), "guard_refused")
    guarded.refused(guarded.ask("/v1/chat/completions", document, X_AIMux_Route="finance"), "guard_refused")


@pytest.mark.parametrize(("package", "situation"), SITUATIONS)
def test_the_scope_of_all_messages_has_it_too(fence: Fence, package: str, situation: str) -> None:
    fence.take_over(guarded=False, scope="all_messages")
    document = conversation(package, situation, HARMLESS, FORBIDDEN)
    fence.refused(fence.ask("/v1/chat/completions", document), "route_forbidden", "ambiguous_route")


def test_a_frame_alone_chooses_as_any_text_does(fence: Fence) -> None:
    fence.take_over(guarded=False, scope="last_user")
    observed = {"role": "user", "content": f"Observation:\n{FORBIDDEN}"}
    fence.refused(fence.ask("/v1/chat/completions", {"messages": [observed]}), "route_forbidden")
    asked = {"role": "user", "content": HARMLESS}
    # Nothing shows that a tool was called.
    fence.refused(fence.ask("/v1/chat/completions", {"messages": [asked, observed]}), "route_forbidden")


def test_a_picture_alone_leaves_the_choice_to_the_text_before_it(fence: Fence) -> None:
    fence.take_over(guarded=False, scope="last_user")
    picture = {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:,"}}]}
    for text, last in ((HARMLESS, picture), (HARMLESS, {"role": "user", "content": None})):
        messages = [{"role": "user", "content": text}, {"role": "assistant", "content": "so"}, last]
        fence.forwarded(fence.ask("/v1/chat/completions", {"messages": messages}), "finance")
