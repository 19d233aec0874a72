"""Everyday texts that are no request for any route: what comes in by the way, and should not be taken for business."""

from collections.abc import Sequence
from typing import Final

CLEARLY: Final = 0.05
"""By how much one everyday text must exceed min_score to count alone: nearly every route is grazed by some text."""

EVERYDAY: Final = (
    "",
    "?",
    "hello",
    "hi there",
    "hey",
    "good morning",
    "good evening",
    "how are you",
    "nice to meet you",
    "thanks",
    "thank you very much",
    "you are welcome",
    "sorry about that",
    "goodbye",
    "see you later",
    "take care",
    "yes",
    "no",
    "maybe",
    "ok",
    "sounds good to me",
    "I do not know",
    "what do you mean",
    "never mind",
    "wait a moment",
    "go on",
    "tell me more",
    "really",
    "that is funny",
    "help me please",
    "can you help me",
    "I have a question",
    "are you there",
    "test",
    "just testing",
    "asdf",
    "once upon a time",
    "that was a long time ago",
    "it is what it is",
    "nothing in particular",
    "I will think about it",
    "the sky is blue",
    "I am tired",
    "let us talk about something else",
)


def is_drawn(scores: Sequence[float], least: float) -> bool:
    """Whether everyday texts that a route or guard takes, at this min_score, are more than its being grazed by one."""
    return len(scores) > 1 or max(scores, default=0.0) >= least + CLEARLY
