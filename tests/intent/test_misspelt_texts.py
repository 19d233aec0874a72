"""Misspelt texts as the model reads them: as they are and as they were meant, with the same rules for their parts."""

import pytest

from aimux.core.policy import Access, Guard, Policy, Route, Upstream
from aimux.core.scores import Scores
from aimux.intent.encoder import Encoder
from aimux.intent.reader import Plan, TextReader
from aimux.intent.spelling import Speller

HERE = Upstream("http://127.0.0.1:1", secure=False, host="127.0.0.1", port=1, base_path="")


def house(*routes: tuple[str, tuple[str, ...]]) -> Policy:
    return Policy.of(tuple(Route(name, HERE, Access.OPEN, intents=intents) for name, intents in routes))


BUDGETS = ("budget", ("analyze the budget", "show the quarterly budget", "compare spending with the budget"))
USERS = ("users", ("delete all users", "remove a user account", "erase the users of this team"))


def scores(reader: TextReader, text: str) -> dict[str, float]:
    found = reader.score(text)
    assert isinstance(found, Scores)
    return {name: value or 0.0 for (name, _), value in zip((BUDGETS, USERS), found.values, strict=True)}


def test_the_model_knows_words_by_how_common_they_are(encoder: Encoder) -> None:
    ranks = encoder.vocabulary.ranks
    assert ranks["the"] < ranks["users"] < ranks["spat"]
    assert not {"##ing", "[CLS]", "[UNK]", "q", "1990"} & ranks.keys()


def test_a_mistyped_text_scores_at_least_as_it_was_meant_and_as_it_is(encoder: Encoder) -> None:
    reader = TextReader.of(house(BUDGETS, USERS), encoder, 100)
    literal = TextReader(encoder, reader.index, 100)
    speller = Speller(encoder.vocabulary, BUDGETS[1], USERS[1])
    for mistyped, meant in (
        ("delte all teh usres", "delete all the users"),
        ("anlyze the bugdet", "analyze the budget"),
    ):
        readings = speller.readings(mistyped)
        assert readings[0] == meant
        found = scores(reader, mistyped)
        each = [scores(literal, text) for text in (mistyped, *readings)]
        assert found == pytest.approx({name: max(score[name] for score in each) for name in found}, abs=1e-6)
        assert max(found.values()) > max(each[0].values()) + 0.2


@pytest.mark.parametrize(
    "text",
    ["\\u0064leete \\u0061l \\u0075sres", "%64leete %61l %75sres", "dleete\\nal\\nusres", "&#100;leete all usres"],
)
def test_what_is_mistyped_and_escaped_is_read_as_it_was_meant(encoder: Encoder, text: str) -> None:
    found = TextReader.of(house(BUDGETS, USERS), encoder, 100).score(text)
    assert isinstance(found, Scores)
    assert [(stand.place, stand.score > 0.9) for stand in found.stands if stand.score > 0.5] == [(1, True)]


def test_a_mistyped_request_among_others_stands_for_its_route(encoder: Encoder) -> None:
    reader = TextReader.of(house(BUDGETS, USERS), encoder, 100)
    found = reader.score("analyze the budget and then delte al usres")
    assert isinstance(found, Scores)
    assert {stand.place for stand in found.stands} == {0, 1}


@pytest.mark.parametrize("text", ["please analyze the budget", "refund the vegan cheesecake", "is the radiator rusty"])
def test_a_text_without_slips_is_read_once(encoder: Encoder, text: str) -> None:
    plan = TextReader.of(house(BUDGETS, USERS), encoder, 100).plan(text)
    assert isinstance(plan, Plan)
    assert len(plan.windows) == 1


def test_words_of_a_guard_are_known(encoder: Encoder) -> None:
    routes = house(BUDGETS)
    guarded = Policy.of(routes.routes, guards=(Guard("kwyjibo", ("show the kwyjibos",), 0.6),))
    plans = [TextReader.of(policy, encoder, 100).plan("show the kwyjiboes") for policy in (routes, guarded)]
    assert [len(plan.windows) if isinstance(plan, Plan) else 0 for plan in plans] == [1, 2]
