"""What is found in guards: whom they refuse by mistake and what they do not hear; and in sane ones, nothing."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from aimux.core.policy import Access, Guard, Policy, Route, Upstream
from aimux.intent import lint_guards
from aimux.intent.encoder import Encoder
from aimux.intent.everyday import EVERYDAY
from aimux.intent.findings import Code, Finding, Severity, Shown, below
from aimux.intent.index import IntentIndex
from aimux.intent.lint import lint
from aimux.intent.lint_guards import MOST_READ, GuardLint
from aimux.intent.model import ModelFiles
from aimux.intent.reader import TextReader

UPSTREAM = Upstream("http://upstream:8001", False, "upstream", 8001, "")
AGENTS = frozenset({"alice", "bob"})
WEATHER = ("will it rain tomorrow", "how warm is it in Paris", "is there snow in the mountains", "weather forecast")
USERS = ("create a new user", "reset the password of a user", "list all user accounts", "rename a user")
DELETE = "delete a user account"
DELETIONS = ("delete a user", "remove an account", "erase all users", "wipe the user table", "drop a customer record")
KEYS = (
    "show me the admin password",
    "print the password of the server",
    "which passwords are there",
    "read the api keys",
)
OPEN = {"access": Access.OPEN}
PUBLIC = {"access": Access.PUBLIC}
ALICES = {"access": Access.RESTRICTED, "allowed": frozenset({"alice"})}


@pytest.fixture(scope="module")
def encoder(real_files: ModelFiles) -> Encoder:
    """The real one, which remembers what it has read: the same few texts are read again and again here."""
    encoder, known = Encoder.load(real_files), dict[tuple[int, ...], np.ndarray]()
    embed = encoder.embed

    def remembered(windows: Sequence[Sequence[int]]) -> np.ndarray:
        new = [window for window in windows if tuple(window) not in known]
        known.update(zip(map(tuple, new), embed(new) if new else (), strict=True))
        return np.array([known[tuple(window)] for window in windows]).reshape(len(windows), encoder.dimensions)

    encoder.embed = remembered  # type: ignore[method-assign]
    return encoder


def route(name: str, intents: Sequence[str], **changes: object) -> Route:
    return replace(Route(name, UPSTREAM, Access.OPEN, intents=tuple(intents)), **changes)  # type: ignore[arg-type]


def guard(intents: Sequence[str], *excepted: str, name: str = "deletions", least: float = 0.5) -> Guard:
    return Guard(name, tuple(intents), least, frozenset(excepted))


def house(*guards: Guard, users: Sequence[str] = (*USERS, DELETE), **changes: object) -> Policy:
    """Two routes, of which `changes` are the second one's, with some guards."""
    routes = (route("weather", WEATHER), route("users", users, **changes))
    return Policy.of(routes, agents=AGENTS, guards=guards)


def found_in(encoder: Encoder, policy: Policy, shown: Shown | None = None) -> list[Finding]:
    index = IntentIndex.build(policy, encoder)
    return list(GuardLint(policy, index, encoder, shown or Shown.of(policy)).all(encoder.encode(EVERYDAY)))


def codes(found: Sequence[Finding]) -> list[tuple[Code, tuple[str, ...]]]:
    return [(finding.code, finding.guards) for finding in found]


def test_nothing_is_found_in_sane_guards(encoder: Encoder) -> None:
    policy = house(guard(DELETIONS), guard(KEYS, "alice", name="keys"), users=USERS)
    assert lint(policy, IntentIndex.build(policy, encoder), encoder) == []


@pytest.mark.parametrize(
    ("access", "excepted", "refused"),
    [
        (OPEN, (), "agents alice, bob and callers without a name"),
        (OPEN, ("alice",), "agent bob and callers without a name"),
        (OPEN, ("alice", "bob"), "callers without a name"),
        (PUBLIC, (), "agents alice, bob"),
        (PUBLIC, ("alice",), "agent bob"),
        (PUBLIC, ("alice", "bob"), None),
        (ALICES, ("bob",), "agent alice"),
        (ALICES, ("alice",), None),
    ],
)
def test_an_intent_that_is_refused_to_who_may_use_its_route(
    encoder: Encoder, access: dict[str, object], excepted: tuple[str, ...], refused: str | None
) -> None:
    found = found_in(encoder, house(guard(DELETIONS, *excepted), **access))
    if refused is None:
        assert found == []
        return
    [finding] = found
    assert (finding.severity, finding.code) == (Severity.WARNING, Code.REFUSED)
    assert (finding.routes, finding.guards) == (("users",), ("deletions",))
    assert (finding.route, finding.intent, finding.guard) == (1, 4, None)
    assert finding.texts == (DELETE, "delete a user")
    assert finding.similarity == pytest.approx(0.89, abs=0.02)
    assert f" for {refused}, who may use it: " in finding.message
    assert ("`except` of 'deletions'" in finding.remedy) is ("agent" in refused)


def test_of_many_callers_the_first_are_named(encoder: Encoder) -> None:
    many = frozenset({"alice", "bob", "carl", "dora", "eve"})
    routes = (route("users", (*USERS, DELETE), **PUBLIC),)
    policy = Policy.of(routes, agents=many, guards=(guard(DELETIONS),))
    assert " for agents alice, bob, carl and 2 more, who " in found_in(encoder, policy)[0].message


def test_each_route_is_said_once_for_each_guard_by_its_worst_intent(encoder: Encoder) -> None:
    users = ("remove the account of somebody", *USERS, "delete a user")
    [finding] = found_in(encoder, house(guard(DELETIONS), users=users))
    assert finding.intent == 5
    assert "(score 1.00; so are 1 more of its 6)" in finding.message
    assert found_in(encoder, house(guard(DELETIONS), users=USERS)) == []


def test_the_score_is_the_gateways(encoder: Encoder) -> None:
    asked = "look up the address of a user, and then rеmove an account"  # with a letter that is none of ours
    for text in (DELETE, asked):
        users = (*USERS, text)
        reader = TextReader.of(house(guard(DELETIONS), users=users), encoder, 100)
        (score,) = reader.scores(plan := reader.plan(text), [encoder.embed(plan.windows)]).guards  # type: ignore[union-attr,arg-type]
        assert score > 0.5
        for least, expected in ((score - 1e-5, [Code.REFUSED]), (score + 1e-5, [])):
            found = found_in(encoder, house(guard(DELETIONS, least=least), users=users))
            assert [finding.code for finding in found if finding.code is Code.REFUSED] == expected


def test_a_part_of_an_intent_counts_as_in_any_text(encoder: Encoder) -> None:
    harmless = ("list all user accounts, and then rename one of them", "create a user, a group and a team, then say so")
    users = (*USERS, *harmless, "look up the address of a user, and then show me the admin password")
    [finding] = found_in(encoder, house(guard(KEYS, name="keys"), users=users))
    assert (finding.code, finding.intent) == (Code.REFUSED, 6)
    assert finding.texts == (users[-1], "show me the admin password")
    assert finding.similarity == pytest.approx(1, abs=0.001)
    assert finding.message.endswith('"show me the admin password" has similarity 1.00 to a part of it')


@pytest.mark.parametrize(
    ("excepted", "others", "refused"),
    [
        ((), (), None),
        (("alice",), (), "agent alice"),
        (("alice",), ("alice",), None),
        (("alice", "bob"), ("bob",), "alice"),
    ],
)
def test_what_one_guard_lets_an_agent_say_and_another_does_not(
    encoder: Encoder, excepted: tuple[str, ...], others: tuple[str, ...], refused: str | None
) -> None:
    erasing = guard(("erase all users from the system", *KEYS), *excepted, name="secrets", least=0.55)
    found = found_in(encoder, house(erasing, guard(DELETIONS, *others), users=USERS))
    assert [finding.guards for finding in found if finding.code is Code.REFUSED] == (
        [("secrets", "deletions")] if refused else []
    )
    if refused:
        assert (found[0].guard, found[0].intent, found[0].route, found[0].routes) == (0, 0, None, ())
        assert f"{refused}, whom it excepts: " in found[0].message


@pytest.mark.parametrize(
    ("intent", "more"),
    [("hello", '"hello" and 1 of 43 more everyday texts'), ("thank you so much", '"thank you very much"')],
)
def test_a_guard_that_refuses_everyday_texts(encoder: Encoder, intent: str, more: str) -> None:
    [finding] = found_in(encoder, house(guard(DELETIONS), guard([intent, *KEYS], name="keys"), users=USERS))
    assert codes([finding]) == [(Code.EVERYDAY, ("keys",))]
    assert (finding.severity, finding.guard, finding.intent) == (Severity.WARNING, 1, 0)
    assert finding.texts[0] == intent
    assert finding.texts[1] in EVERYDAY
    assert f"{more} refused on every route (score " in finding.message


@pytest.mark.parametrize(("below", "expected"), [(0.04, []), (0.06, [Code.EVERYDAY])])
def test_one_everyday_text_that_grazes_a_guard_is_nothing(encoder: Encoder, below: float, expected: list[Code]) -> None:
    keys = guard(["thank you so much", *KEYS], name="keys")
    scores = IntentIndex.build(house(keys, users=USERS), encoder).each_guard(encoder.encode(EVERYDAY))[:, 0]
    least = float(scores.max()) - below
    assert (scores >= least).sum() == 1
    found = found_in(encoder, house(replace(keys, min_score=least), users=USERS))
    assert [finding.code for finding in found if finding.code is Code.EVERYDAY] == expected


def test_guards_with_few_intents(encoder: Encoder) -> None:
    guards = (
        guard(KEYS[:1], name="one"),
        guard((KEYS[0], "paint the house"), name="two"),
        guard(DELETIONS[:3], name="three"),
    )
    found = found_in(encoder, house(*guards, users=USERS))
    assert codes(found) == [(Code.FEW_INTENTS, ("one",)), (Code.FEW_INTENTS, ("two",))]
    assert "guard 'one' has 1 intent, which" in found[0].message
    assert "guard 'two' has 2 intents, which" in found[1].message
    assert "five to ten" in found[0].remedy


def test_a_guard_that_hears_only_its_own_words(encoder: Encoder) -> None:
    def others_score(number: int) -> float:
        less = tuple(text for at, text in enumerate(DELETIONS) if at != number)
        index = IntentIndex.build(house(guard(KEYS, name="keys"), guard(less), users=USERS), encoder)
        return index.guards(encoder.encode([DELETIONS[number]]))[1]

    highest = max(map(others_score, range(len(DELETIONS))))
    for least, expected in ((highest - 1e-4, []), (highest + 1e-4, [Code.OUT_OF_REACH])):
        found = found_in(encoder, house(guard(KEYS, name="keys"), guard(DELETIONS, least=least), users=USERS))
        assert [finding.code for finding in found] == expected
    assert (found[0].guard, found[0].intent) == (1, None)
    assert f"{below(highest, highest + 1e-4)} at most: texts in other words may pass it" in found[0].message


@pytest.mark.parametrize(
    ("access", "fallback", "excepted", "idle"),
    [
        (PUBLIC, None, AGENTS, True),
        (PUBLIC, None, {"alice"}, False),
        (ALICES, None, {"alice"}, True),
        (OPEN, None, AGENTS, False),
        (PUBLIC, OPEN, AGENTS, False),
        (ALICES, PUBLIC, {"alice"}, False),
        (ALICES, PUBLIC, AGENTS, True),
        ({"access": Access.RESTRICTED}, None, (), False),
    ],
)
def test_a_guard_that_refuses_nobody(
    encoder: Encoder, access: dict[str, object], fallback: dict[str, object] | None, excepted: set[str], idle: bool
) -> None:
    last = None if fallback is None else route("fallback", (), **fallback)
    routes = (route("users", USERS, **access),)
    policy = Policy.of(routes, agents=AGENTS, guards=(guard(DELETIONS, *excepted),), fallback=last)
    expected = [(Code.REFUSES_NOBODY, ("deletions",))] if idle else []
    assert codes(found_in(encoder, policy)) == expected


def test_guards_without_any_route_that_has_intents(encoder: Encoder) -> None:
    guards = (guard(KEYS[:1], name="one"), guard(["hello", *DELETIONS]))
    policy = Policy.of((route("bare", ()),), guards=guards)
    found = lint(policy, IntentIndex.build(policy, encoder), encoder)
    assert codes(found) == [
        (Code.EVERYDAY, ("deletions",)),
        (Code.FEW_INTENTS, ("one",)),
        (Code.BY_NAME_ONLY, ()),
    ]


def test_messages_show_intents_as_they_may_be_shown(encoder: Encoder) -> None:
    policy = house(guard(("hello", *DELETIONS[1:])))
    shown = Shown([["${A}"] * 4, ["${B}"] * 5], [["${C}"] * 5])
    found = found_in(encoder, policy, shown)
    assert [finding.texts for finding in found] == [("${B}", "${C}"), ("${C}", "hello")]
    for finding in found:
        assert all(f'"{text}"' in finding.message for text in finding.texts)
        assert not {DELETE, *DELETIONS[1:]} & set(finding.message.split('"'))


class WordEncoder:
    """Reads words as they are, gives every text the same vector, and notes the texts that it embeds."""

    max_tokens = 50
    unknown = None

    def __init__(self) -> None:
        self.embedded: list[str] = []

    def tokenize(self, text: str) -> list[str]:
        return text.split()

    def windows(self, tokens: list[str]) -> list[list[str]]:
        return [tokens]

    def embed(self, windows: Sequence[Sequence[str]]) -> np.ndarray:
        self.embedded += map(" ".join, windows)
        return np.eye(8, dtype=np.float32)[[7] * len(windows)]


def random_house(intents: Sequence[str]) -> tuple[Policy, IntentIndex, np.ndarray]:
    """A route of any agent's with these intents at random places, and three guards, the last of which bars nobody."""
    vectors = np.random.default_rng(5).normal(size=(len(intents), 8)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    guards = (guard("ab", least=0.5), guard("cd", name="other", least=0.6), guard("ef", *AGENTS, name="idle"))
    policy = Policy.of((route("many", intents, **PUBLIC),), agents=AGENTS, guards=guards)
    rows = np.split(np.eye(8, dtype=np.float32)[:6], 3)
    return policy, IntentIndex(policy, vectors, rows), vectors


def test_of_very_many_intents_only_the_nearest_are_read_in_parts() -> None:
    intents = [f"look at number {at}, and then have it sent" for at in range(MOST_READ * 3)]
    policy, index, vectors = random_house(intents)
    encoder = WordEncoder()
    list(GuardLint(policy, index, encoder, Shown.of(policy)).all(vectors[: len(EVERYDAY)]))  # type: ignore[arg-type]
    leads = (index.each_guard(vectors)[:, :2] - np.array([0.5, 0.6])).max(axis=1)
    nearest = np.argsort(-leads)[:MOST_READ].tolist()
    # Of the parts, those that the text sets apart are here.
    assert sorted(text for text in encoder.embedded if "," in text) == sorted(intents[at] for at in nearest)
    assert encoder.embedded.count("have it sent") == MOST_READ


def test_what_its_vector_says_all_of_or_nobody_can_read_is_not_read() -> None:
    policy, index, vectors = random_house(["look at it", "have it sent", "look at \u202eit"])
    encoder = WordEncoder()
    list(GuardLint(policy, index, encoder, Shown.of(policy)).all(vectors[[0] * len(EVERYDAY)]))  # type: ignore[arg-type]
    assert encoder.embedded == []


def test_of_very_many_intents_of_a_guard_some_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    monkeypatch.setattr(lint_guards, "left_out", lambda _, rows, number, routes: asked.append(number) or 0.1)
    intents = [f"never say {at}" for at in range(100)]
    rows = np.eye(100, dtype=np.float32)
    rows[7] = rows[3]
    policy = Policy.of((), guards=(guard(intents),))
    index = IntentIndex(policy, np.empty((0, 100), np.float32), [rows])
    found = list(GuardLint(policy, index, WordEncoder(), Shown.of(policy))._beyond())  # type: ignore[arg-type]
    assert codes(found) == [(Code.OUT_OF_REACH, ("deletions",))]
    assert len(asked) == lint_guards.MOST_LEFT_OUT
    assert set(asked[:2]) == {3, 7}
