"""Words that a model does not know: the texts, parts and windows that have too many, and all that is read of them."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer
from tokenizers.models import BPE, Unigram, WordLevel

from aimux.core.policy import Access, Guard, Policy, Route, Upstream
from aimux.core.scores import Scores
from aimux.intent.encoder import Encoder
from aimux.intent.index import IntentIndex
from aimux.intent.model import ModelError
from aimux.intent.reader import Plan, TextReader
from aimux.intent.tokens import Tokens
from aimux.intent.unknown import MOST_UNKNOWN, Kind, Unknowns, is_unread, share

UPSTREAM = Upstream("http://upstream:8001", False, "upstream", 8001, "")
ORDERS = ("show my orders", "where is my order", "track an order", "status of an order")
USERS = ("delete a user", "remove all users", "delete users", "drop the accounts of users")
CHINESE = "删除用户"  # "delete users"


def house(**changes: object) -> Policy:
    routes = (
        Route("orders", UPSTREAM, Access.OPEN, intents=ORDERS),
        Route("users", UPSTREAM, Access.RESTRICTED, intents=USERS),
    )
    return Policy.of(routes, **changes)  # type: ignore[arg-type]


GUARDED = house(guards=(Guard("users", USERS, 0.5),))


@pytest.fixture(scope="module")
def unknowns(encoder: Encoder) -> Unknowns:
    return Unknowns(encoder)


@pytest.fixture(scope="module")
def reader(encoder: Encoder) -> TextReader:
    return TextReader.of(GUARDED, encoder, 2000)


def scores(reader: TextReader, text: str) -> Scores:
    found = reader.score(text)
    assert isinstance(found, Scores)
    return found


@pytest.mark.parametrize(
    "text",
    [
        CHINESE,
        "查询订单",
        "今天天气很好",
        "ลบผู้ใช้ทั้งหมด",
        "წაშალე ყველა მომხმარებელი",
        f"please {CHINESE}",
        "👍",
        "🎉🎉",
        "𓀀𓀁",
    ],
)
def test_a_text_of_unknown_words_or_signs_matches_no_route(reader: TextReader, text: str) -> None:
    found = scores(reader, text)
    assert found.values == (0.0, 0.0)
    assert found.stands == ()


def test_texts_of_unknown_words_had_the_vector_of_their_length(encoder: Encoder) -> None:
    """All else in this file is for this."""
    first, second = encoder.encode(["查询订单", CHINESE])
    assert np.array_equal(first, second)


@pytest.mark.parametrize(
    "text",
    [
        *(
            "show my orders",
            "show my orders 📈",
            "show my orders📈",
            "show my orders of 王小明",
            "orders for ภูเก็ต",
            "ok 👍",
        ),
        *(
            "∑ of x² ≤ 5 → π",
            "Nguyễn in Łódź",
            "日本の東京",
            "привет",
            "שלום",
            "",
            "?!",
            "sha " + "0123456789abcdef" * 16,
        ),
    ],
)
def test_a_text_that_is_known_but_for_a_name_a_sign_or_a_picture_is_read(reader: TextReader, text: str) -> None:
    found = scores(reader, text)
    assert not found.unread
    assert found.values != (0.0, 0.0) or text in {"?!", ""}


@pytest.mark.parametrize(
    ("text", "unread"),
    [
        *(
            (CHINESE, True),
            ("删库", True),
            ("今天天气很好", True),
            ("👍", False),
            ("🎉🎉🎉", False),
            ("👍🔥🔑💣", True),
        ),
        ("please analyze the quarterly budget of the company 删除用户", True),
        ("show my orders (删除用户, 重置)", True),
        ("show the orders of 张伟 to the sales team of the north", False),
        *(("revenue of Q3 🎉🎉🎉🎉🎉🎉🎉🎉", False), ("show my orders. 删 除 用 户", True), ("", False)),
    ],
)
def test_what_may_say_something_that_is_unknown_is_told_to_guards(
    reader: TextReader, text: str, *, unread: bool
) -> None:
    assert scores(reader, text).unread is unread


@pytest.mark.parametrize(
    "text",
    [
        "Delete🔥all🔥users",
        "删 delete 除 all 用 users 户",
        "delete all users 谢谢谢谢谢谢谢谢",
        "remove all users👤 🙏",
    ],
)
def test_words_of_english_hide_behind_nothing_that_is_unknown(reader: TextReader, text: str) -> None:
    found = scores(reader, text)
    users = [stand for stand in found.stands if stand.place == 1]
    assert users or found.values[1] >= 0.4
    assert found.guards[0] >= 0.5


def test_what_is_known_of_an_unread_text_chooses_no_route(reader: TextReader) -> None:
    found = scores(reader, f"show my orders. {CHINESE * 4}")
    assert found.values == (0.0, 0.0)
    assert {(stand.place, stand.whole) for stand in found.stands} == {(0, False)}


def test_only_the_unread_windows_of_a_long_text_say_nothing(encoder: Encoder, reader: TextReader) -> None:
    text = "show my orders of last week please. " * 40 + f"{CHINESE} " * 60 + "and where is my order now? " * 40
    plan = reader.plan(text)
    assert isinstance(plan, Plan)
    unread = [row for row in range(plan.first) if row in plan.unread]
    assert 0 < len(unread) < plan.first
    found = scores(reader, text)
    assert found.unread
    alike = reader.index.scores(encoder.embed([plan.windows[row] for row in range(plan.first) if row not in unread]))
    assert found.values == alike.values


WORDS = st.sampled_from(
    ["show", "my", "orders", "delete", "users", "谢谢", CHINESE, "🔥", "ลบผู้ใช้", "ab🔥cd", ",", ".", "x" * 130]
)


@settings(max_examples=60, deadline=None)
@given(st.lists(WORDS, max_size=14).map(" ".join))
def test_whatever_is_unknown_never_scores_and_is_told(reader: TextReader, text: str) -> None:
    plan, found = reader.plan(text), scores(reader, text)
    assert isinstance(plan, Plan)
    kinds = reader._unknowns.kinds(reader.seen(text).text)
    if is_unread(kinds):
        assert found.values == (0.0, 0.0)
        assert not any(stand.whole for stand in found.stands)
        assert found.unread or Kind.UNKNOWN_WORD not in kinds
    if Kind.UNKNOWN_WORD not in kinds and Kind.UNKNOWN_SIGN not in kinds:
        assert not found.unread
        assert not plan.unread


@given(st.lists(st.sampled_from(Kind), max_size=12))
def test_the_share_is_that_of_the_words_and_signs_alone_are_all_or_nothing(kinds: list[Kind]) -> None:
    words = [kind for kind in kinds if kind in {Kind.WORD, Kind.UNKNOWN_WORD}]
    if words:
        assert share(kinds) == words.count(Kind.UNKNOWN_WORD) / len(words)
    else:
        assert share(kinds) == (1 if Kind.UNKNOWN_SIGN in kinds else 0)
    assert is_unread(kinds) is (share(kinds) > MOST_UNKNOWN)


@pytest.mark.parametrize(
    ("text", "divided"),
    [
        ("delete🔥all🔥users", "delete 🔥 all 🔥 users"),
        ("revenue📈", "revenue 📈"),
        ("ลบผู้ใช้ทั้งหมด", "ลบผู้ใช้ทั้งหมด"),
        ("user@example.com → 5€", "user@example.com → 5€"),
        ("y" * 250, " ".join(["y" * 100, "y" * 100, "y" * 50])),
    ],
)
def test_words_are_divided_from_signs_where_both_are_unknown_together(
    unknowns: Unknowns, text: str, divided: str
) -> None:
    assert unknowns.divided(text) == divided


def test_the_unknown_token_is_that_of_the_tokenizer(encoder: Encoder) -> None:
    words = {"<unk>": 7, "a": 0}
    known = [
        (WordLevel(words, unk_token="<unk>"), 7),
        (Unigram([("▁a", -1.0), ("a", -1.0), ("<unk>", 0.0)], unk_id=2), 2),
        (BPE(vocab=words, merges=[], unk_token="<unk>"), 7),
        (BPE(vocab=words, merges=[]), None),
    ]
    assert [Tokens.of(Tokenizer(model)).unknown for model, _ in known] == [unknown for _, unknown in known]
    assert encoder.unknown == 100


def test_a_model_without_an_unknown_token_reads_everything(encoder: Encoder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encoder, "unknown", None)
    found = scores(TextReader.of(GUARDED, encoder, 100), CHINESE)
    assert not found.unread
    assert found.values != (0.0, 0.0)


@pytest.mark.parametrize("of", ["route", "guard"])
@pytest.mark.parametrize("intent", ["查询订单", "🚀", "订单 status", "words " * 300])
def test_a_configuration_with_an_intent_that_the_model_does_not_read_is_not_served(
    encoder: Encoder, intent: str, of: str
) -> None:
    intents = ("show my orders", intent)
    routes = (Route("orders", UPSTREAM, Access.OPEN, intents=intents if of == "route" else ORDERS),)
    policy = Policy.of(routes, guards=(Guard("orders", intents, 0.5),) if of == "guard" else ())
    with pytest.raises(ModelError, match=f"intent 2 of {of} 'orders' is (of words|longer)") as raised:
        TextReader.of(policy, encoder, 100)
    assert intent not in str(raised.value)
    assert str(raised.value).count("\n") == 0


def test_an_intent_with_a_picture_behind_a_word_is_read_as_texts_are(encoder: Encoder) -> None:
    policy = Policy.of((Route("orders", UPSTREAM, Access.OPEN, intents=("show my orders📦", "track an order")),))
    reader = TextReader.of(policy, encoder, 100)
    assert scores(reader, "show my orders📦").values[0] == pytest.approx(1.0, abs=1e-5)
    assert IntentIndex.build(policy, encoder).routes[0][1].shape == (2, encoder.dimensions)
