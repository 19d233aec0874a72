"""Texts, intents and guards of a few made-up words: all is real but the model, which a table stands in for."""

import re
from functools import lru_cache
from hashlib import sha256

import numpy as np

from aimux.core.policy import Route, Upstream
from aimux.core.scores import Scores
from aimux.intent.index import IntentIndex
from aimux.intent.reader import TextReader

UPSTREAM = Upstream("http://upstream:8001", False, "upstream", 8001, "")
AGENTS = ("ant", "bee")
WORDS = ("sum", "multiply", "root", "budget", "costs", "users", "delete", "wipe", "please", "key", "status")


@lru_cache
def vector(word, dimensions):
    """A word's vector, at random and always the same."""
    return np.random.default_rng(word).normal(size=dimensions)


class Table:
    """Stands in for the model: a window's vector is the sum of its words', each at random and always the same."""

    max_tokens = 12
    unknown = None
    longest_word = None

    def __init__(self, dimensions):
        self.dimensions = dimensions

    def tokenize(self, text):
        return [int(sha256(word.strip(".,").encode()).hexdigest()[:8], 16) for word in text.split()]

    def spans(self, text):
        return [found.span() for found in re.finditer(r"\S+", text)]

    def ranges(self, count):
        last = max(count - self.max_tokens, 0)
        return [(start, min(start + self.max_tokens, count)) for start in (*range(0, last, 9), last)]

    def windows(self, ids):
        return [ids[start:stop] for start, stop in self.ranges(len(ids))]

    def embed(self, windows):
        sums = [sum(vector(word, self.dimensions) for word in ids) for ids in windows]
        rows = np.asarray(sums, np.float32).reshape(len(sums), self.dimensions)
        return rows / np.linalg.norm(rows, axis=1, keepdims=True)

    def encode(self, texts):
        return self.embed([self.tokenize(text) for text in texts])


# In few dimensions words are alike by chance, and everything happens; in many each is like itself alone.
CROWDED, APART = Table(5), Table(200)


def reader_of(policy, table=CROWDED):
    """The reader of a configuration, None where it has no intents."""
    return TextReader(table, IntentIndex.build(policy, table), 60) if policy.needs_scores else None


def score_of(policy):
    """What scores texts for a configuration."""
    reader = reader_of(policy)
    return reader.score if reader else lambda _: Scores((None,) * len(policy.routes))


def route(name, access, *, intents=(), min_score=0.4):
    """A route; `access` is its kind and who is listed."""
    kind, allowed = access
    return Route(name, UPSTREAM, kind, frozenset(allowed), intents, min_score)
