"""Tuning by the gateway's own decision: the search decides as it does, and judges rows by what had not seen them."""

import random
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from aimux.core.policy import Access, Policy, Route, Upstream
from aimux.core.scores import Scores
from aimux.gateway import tuning
from aimux.gateway.trials import attempt, by_meaning_alone, under
from aimux.gateway.tuning import tune
from aimux.intent.evidence import AMBIGUOUS, NOWHERE, Case, Evidence
from aimux.intent.folds import FOLDS, folds_of
from aimux.intent.index import IntentIndex
from aimux.intent.model import MODEL_NAME, locate
from aimux.intent.quality import Outcome
from aimux.intent.reader import TextReader, load_reader
from aimux.intent.reread import ReadTexts
from aimux.intent.tuning import LEADS

UPSTREAM = Upstream("http://upstream:8001", False, "upstream", 8001, "")
TEXTS = (
    "analyze the budget",
    "what is 12 plus 30",
    "Forecast the revenue. And what is 7 times 8?",
    "Good morning to you. How do I bake a cake? What is the square root of 81?",
    "who painted the Mona Lisa",
    "word " * 9000,
)
POLICY = by_meaning_alone(
    Policy.of(
        (
            Route("math", UPSTREAM, Access.OPEN, intents=("what is 2 plus 3", "multiply two numbers", "square roots")),
            Route("bare", UPSTREAM, Access.OPEN),
            Route("money", UPSTREAM, Access.RESTRICTED, intents=("analyze the budget", "revenue forecast", "costs")),
        )
    )
)


@pytest.fixture(scope="module")
def reader() -> TextReader:
    return load_reader(POLICY, locate(Path(__file__).parents[2] / "models" / MODEL_NAME), 8192)


def unit(chance, rows, dimensions=6):
    found = chance.normal(size=(rows, dimensions)).astype(np.float32)
    return found / np.linalg.norm(found, axis=1, keepdims=True)


@pytest.mark.parametrize("seed", range(40))
def test_the_search_decides_as_the_gateway_does(seed):
    chance = np.random.default_rng(seed)
    names = ["red", "green", "blue", "grey"]
    intents = [("a", "b")[: 1 + seed % 2]] * len(names)
    plain = Policy.of(
        tuple(Route(name, UPSTREAM, Access.OPEN, intents=own) for name, own in zip(names, intents, strict=True))
    )
    index = IntentIndex(plain, unit(chance, sum(map(len, intents))))
    read = []
    for _ in range(30):
        count = int(chance.integers(0, 4))
        owners, apart, brief = sorted([*range(count)] * 2), chance.random(count) < 0.7, chance.random(count) < 0.4
        read.append((unit(chance, 2), unit(chance, 2 * count), owners, apart, brief))
    cases = []
    for whole, parts, owners, apart, brief in read:
        each = index.of_parts(parts, owners, len(apart)) if owners else np.empty((0, len(names)))
        cases.append(Case(NOWHERE, index.scores(whole).values, each[apart].tolist(), brief[apart].tolist()))
    evidence = Evidence.of(cases, len(names))
    for _ in range(5):
        least = chance.integers(10, 70, len(names)) / 100
        lead = float(chance.choice(LEADS))
        policy = under(plain, dict(zip(names, least.tolist(), strict=True)), lead)
        judged = index.under(policy)
        found = evidence.decided(least, lead).tolist()
        for (whole, parts, owners, apart, brief), place in zip(read, found, strict=True):
            scores = judged.scores(whole)
            if owners:
                scores = replace(scores, stands=judged.stands(parts, owners, apart.tolist(), brief.tolist()))
            trial = attempt("text", None, None, policy, lambda _, scores=scores: scores)
            wanted = {NOWHERE: Outcome.NO_MATCH, AMBIGUOUS: Outcome.AMBIGUOUS}.get(place, Outcome.FORWARDED)
            assert trial.outcome is wanted
    assert len(set(found)) > 2


def test_texts_that_were_read_once_score_as_if_they_were_read_again(reader):
    texts = ReadTexts(reader, TEXTS)
    for least, lead in (({"math": 0.9, "money": 0.1}, 0.2), ({"math": 0.0}, 0.0), ({}, 0.05)):
        policy = under(POLICY, least, lead)
        fresh = TextReader.of(policy, reader.encoder, 8192)
        for text in TEXTS:
            assert texts.under(policy)(text) == fresh.score(text)
    # Which routes parts stand for is another matter under each of them: else this would show nothing.
    stands = [texts.under(under(POLICY, {}, lead))(TEXTS[2]).stands for lead in (0.0, 1.0)]
    assert stands[0] != stands[1]


def test_what_a_text_scores_is_kept_with_the_parts_that_it_sets_apart(reader):
    texts = ReadTexts(reader, TEXTS)
    case = texts.case(TEXTS[2], 1)
    found = reader.score(TEXTS[2])
    assert isinstance(found, Scores)
    assert (case.expected, tuple(case.whole)) == (1, (found.values[0], found.values[2]))
    assert len(case.parts) == 2
    assert case.parts[0][1] > 0.5 > case.parts[0][0]
    assert texts.case(TEXTS[-1]).whole is None
    assert texts.case(TEXTS[0]).parts == ()


def rows_of(chance):
    sums = [f"what is {chance.randint(2, 99)} plus {chance.randint(2, 99)}" for _ in range(30)]
    rest = [f"{verb} {what}" for verb in ("paint", "water", "feed") for what in ("a cat", "the roses", "my house")]
    rows = [(text, "math", None) for text in dict.fromkeys(sums)] + [(text, None, None) for text in rest]
    return [*rows, ("analyze the budget of may", "money", None), ("calculate the budget", None, None)]


def test_each_row_is_judged_by_thresholds_that_had_not_seen_it(reader, monkeypatch):
    rows = rows_of(random.Random(3))
    folds = folds_of([(text, expected) for text, expected, _ in rows])
    seen = []

    def spy(evidence, own_folds, now, wanted, tuned, *, leads):
        assert leads == (0.02, 0.03)
        seen.append((evidence.rows, set(own_folds.tolist()), tuned.tolist()))
        fold = set(range(FOLDS)) - set(own_folds.tolist())
        # What nothing reaches shows by which fit a row was judged; one fit finds nothing.
        return None if fold == {4} else tuning.Thresholds((1.0, 1.0) if fold else (0.2, 0.3), 0.02)

    monkeypatch.setattr(tuning, "fit", spy)
    found = tune(rows, POLICY, ReadTexts(reader, [text for text, _, _ in rows]), 0.1, (0.02, 0.03))
    assert seen[:FOLDS] == [
        (len(rows) - folds.count(fold), set(range(FOLDS)) - {fold}, [True, True]) for fold in range(FOLDS)
    ]
    assert seen[FOLDS:] == [(len(rows), set(range(FOLDS)), [True, True])]
    assert (found.proposal.least, found.proposal.lead) == ({"math": 0.2, "money": 0.3}, 0.02)
    assert found.unfitted == 1
    for trial, now, fold in zip(found.held_out, found.now, folds, strict=True):
        assert trial == now if fold == 4 else trial.outcome is Outcome.NO_MATCH
    assert sum(trial.outcome is Outcome.FORWARDED for trial in found.now) > 10


def test_a_proposal_is_for_routes_with_rows_and_the_order_of_rows_does_not_matter(reader):
    rows = [row for row in rows_of(random.Random(5)) if row[1] != "money"]
    texts = ReadTexts(reader, [text for text, _, _ in rows])
    found = tune(rows, POLICY, texts, 0.04)
    assert set(found.proposal.least) == {"math"}
    turned = random.Random(1).sample(rows, len(rows))
    again = tune(turned, POLICY, texts, 0.04)
    assert again.proposal == found.proposal
    assert sorted(again.held_out, key=repr) == sorted(found.held_out, key=repr)
