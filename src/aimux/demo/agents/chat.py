"""An answer in the shape of OpenAI's chat completions, whole or in chunks."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Self
from uuid import uuid4

from aimux.demo.agents.asking import Document, Question

WORDS_A_CHUNK = 3


@dataclass(frozen=True, slots=True)
class Completion:
    """One chat completion. An agent has no tokens to count, so that its usage counts words."""

    id: str
    created: int
    model: str
    asked: str
    answer: str
    stream: bool
    include_usage: bool
    seen: Document

    @classmethod
    def of(cls, agent: str, question: Question, answer: str) -> Self:
        """The completion that a question asks for. The model's name comes back as it came."""
        document = question.document or {}
        options = document.get("stream_options")
        model = document.get("model")
        return cls(
            id=f"chatcmpl-{question.request_id or uuid4().hex}",
            created=int(time.time()),
            model=model if isinstance(model, str) else "",
            asked=question.text,
            answer=answer,
            stream=document.get("stream") is True,
            include_usage=isinstance(options, dict) and options.get("include_usage") is True,
            seen=question.seen_by(agent),
        )

    def whole(self) -> Document:
        """The answer in one piece."""
        message = {"role": "assistant", "content": self.answer}
        choice = {"index": 0, "message": message, "finish_reason": "stop"}
        return self._framed("chat.completion", [choice]) | {"usage": self._usage(), "aimux": self.seen}

    def chunks(self) -> Iterator[Document]:
        """The answer a few words at a time: first who speaks, then what is said, then that it is over."""
        yield self._chunk({"role": "assistant", "content": ""}) | {"aimux": self.seen}
        words = self.answer.split(" ")
        for start in range(0, len(words), WORDS_A_CHUNK):
            piece = " ".join(words[start : start + WORDS_A_CHUNK])
            yield self._chunk({"content": piece if start == 0 else f" {piece}"})
        yield self._chunk({}, finish_reason="stop")
        if self.include_usage:
            yield self._framed("chat.completion.chunk", []) | {"usage": self._usage()}

    def _chunk(self, delta: Document, finish_reason: str | None = None) -> Document:
        choice = {"index": 0, "delta": delta, "finish_reason": finish_reason}
        return self._framed("chat.completion.chunk", [choice])

    def _framed(self, kind: str, choices: list[dict[str, object]]) -> Document:
        return {"id": self.id, "object": kind, "created": self.created, "model": self.model, "choices": choices}

    def _usage(self) -> dict[str, int]:
        asked, answered = len(self.asked.split()), len(self.answer.split())
        return {"prompt_tokens": asked, "completion_tokens": answered, "total_tokens": asked + answered}
