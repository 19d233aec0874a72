"""Misspelt words: what they are taken for, and what is left as it is."""

import itertools
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rapidfuzz.distance import OSA

from aimux.intent.spelling import Speller
from aimux.intent.words import Known, Shelf, Vocabulary

# About the commonest first, as in a model's vocabulary.
COMMON = (
    *("the", "of", "and", "to", "is", "for", "all", "up", "my", "what", "which", "report", "please", "weather"),
    *("delete", "budget", "analyze", "running", "transfer", "uses", "users", "receive", "run"),
)


def corrected(speller: Speller, text: str) -> str:
    """The likeliest reading of a text."""
    return next(iter(speller.readings(text)), text)


@pytest.fixture(scope="module")
def speller() -> Speller:
    return Speller(Vocabulary(COMMON), ["rotate the kubeconfig", "who may see payslips"])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("delte all the reprot", "delete all the report"),
        ("Delet all users!", "delete all users!"),
        ("DELTE ALL USERS", "delete ALL USERS"),
        ("recieve my bugdet, plesae", "receive my budget, please"),
        ("aanalyyze the repport", "analyze the report"),
        ("analyzethe budget", "analyze the budget"),
        ("analyzexthe budget", "analyze the budget"),
        ("teh budget", "the budget"),
        ("rotate the kubeconfg", "rotate the kubeconfig"),
        ("for my payslps", "for my payslips"),
    ],
)
def test_a_misspelt_word_is_the_likeliest_known_one(speller: Speller, text: str, expected: str) -> None:
    assert corrected(speller, text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "analyze the budget",
        "reports and transfers, budgeted and reporter",  # known by their stems
        "deleteX in usersBy, usres_all, users2 or USEZ",  # names in programs and abbreviations
        "see usres.example.com, /usres/delte or delte@usres",
        "xq zzzzzzzz kwyjibo",
        "ödéljk",
        "удалить всех",
        "",
        "l" * 5000,
    ],
)
def test_what_is_no_slip_is_left_as_it_is(speller: Speller, text: str) -> None:
    assert corrected(speller, text) == text


def test_a_word_of_the_intents_is_likelier_than_a_commoner_one() -> None:
    assert corrected(Speller(Vocabulary(COMMON)), "usexs") == "uses"
    assert corrected(Speller(Vocabulary(COMMON), ["remove the users"]), "usexs") == "users"


def test_a_nearer_word_is_likelier_than_a_common_one_with_more_slips() -> None:
    between = [f"{letter}{other}{third}" * 4 for letter in "qxz" for other in "jvw" for third in string.ascii_lowercase]
    assert corrected(Speller(Vocabulary(["let", *between, "delete"])), "delet") == "delete"


def test_a_model_that_does_not_tell_words_corrects_nothing() -> None:
    assert corrected(Speller(Vocabulary(()), ["delete all users"]), "delte all usres") == "delte all usres"


def test_a_text_with_more_unknown_words_than_anybody_mistypes_is_left_alone(speller: Speller) -> None:
    def with_slips(number: int) -> str:
        return "delte " + " ".join(f"kwyjibo{letter}" for letter in string.ascii_lowercase[: number - 1])

    assert corrected(speller, with_slips(24)).startswith("delete ")
    assert corrected(speller, with_slips(25)) == with_slips(25)


@pytest.mark.parametrize(
    ("commoner", "other", "mistyped", "meant"),
    [
        ("uses", "users", "usres", "users"),
        ("uses", "users", "uers", "users"),
        ("users", "uses", "usees", "uses"),
        ("uses", "users", "usexs", "uses"),
        ("users", "uses", "usexs", "users"),
    ],
)
def test_a_letter_left_out_doubled_or_typed_too_early_is_likelier_than_another_slip(
    commoner: str, other: str, mistyped: str, meant: str
) -> None:
    assert corrected(Speller(Vocabulary([commoner, other])), mistyped) == meant


@pytest.mark.parametrize(
    ("mistyped", "meant"),
    [
        ("transfr mx budgte for users", "transfer my budget for users"),  # a short word
        ("all weathwe repodrtx up", "all weather report up"),  # more slips for a word of its length
        (
            "delte and analyzthe budgt for users",
            "delete and analyze the budget for users",
        ),  # a slip in one of two words without a space
        ("recieve and analyzbudgt", "receive and analyze budget"),  # in both
        ("recieve and analyzxbudgt", "receive and analyze budget"),
    ],
)
def test_a_text_with_several_unknown_words_was_mistyped_in_others_too(
    speller: Speller, mistyped: str, meant: str
) -> None:
    assert corrected(speller, mistyped) == meant


@pytest.mark.parametrize("text", ["analyze mx budget", "budgtusers", "rxt of the budget"])
def test_a_text_with_one_unknown_word_was_hardly_mistyped_in_others(speller: Speller, text: str) -> None:
    assert speller.readings(text) == ()


def test_a_rare_word_among_mistyped_ones_may_be_a_common_one_mistyped() -> None:
    rarer = ["".join(letters) for letters in itertools.product("jqxz", repeat=6)]
    vocabulary = Vocabulary(["what", "to", "budget", "users", "all", *COMMON[:8], *rarer, "hat"])
    speller = Speller(vocabulary)
    assert speller.readings("hat budgte of usres")[:2] == ("what budget of users", "hat budget of users")
    assert speller.readings("hat budgte of users") == ("hat budget of users",)  # one slip is hardly two
    assert corrected(speller, "Hat budgte of usres HAT") == "what budget of users HAT"
    assert corrected(speller, "wat budgte of usres to what") == "what budget of users to what"
    assert corrected(Speller(vocabulary, ["buy a hat"]), "hat budgte of usres") == "hat budget of users"
    long = " ".join(["hat budgte of usres", *rarer[:30]])
    assert corrected(speller, long).startswith("hat budget of users ")


def test_what_may_be_meant_otherwise_is_read_otherwise_too() -> None:
    speller = Speller(Vocabulary(["the", "form", "fort", "budget", "users", "of"]))
    assert speller.readings("the forx") == ("the form",)
    assert speller.readings("budgte of forx") == ("budget of form", "budget of fort")
    assert speller.readings("budgte of the forx usres") == ("budget of the form users", "budget of the fort users")
    more = Speller(Vocabulary(["the", "form", "ford", "fort", "fork", "budget", "users", "of"]))
    assert more.readings("budgte of the forx usres") == (
        "budget of the form users",
        "budget of the ford users",
        "budget of the fort users",
    )


def test_a_text_of_hardly_any_known_words_was_not_mistyped_everywhere() -> None:
    speller = Speller(Vocabulary(["the", "form", "fort", "budget", "users", "of"]))
    assert len(speller.readings("the forx usres")) == 2
    assert speller.readings("the forx usres budgte") == ("the form users budget",)


def test_what_is_far_less_likely_is_not_read() -> None:
    assert Speller(Vocabulary(["budget", "badge", "users", "the"])).readings("the budgte usres") == (
        "the budget users",
    )


def test_what_the_intents_have_side_by_side_is_likelier() -> None:
    between = ["".join(letters) for letters in itertools.product("jqxzv", repeat=5)]
    words = Vocabulary(
        [
            "the",
            "in",
            "to",
            "a",
            "my",
            "of",
            "on",
            "oil",
            "own",
            *COMMON,
            *between[:600],
            "mycoins",
            *between[600:],
            "coin",
        ]
    )
    speller = Speller(words, ["flip a coin", "my coin"])
    assert corrected(speller, "delte the oin") == "delete the in"
    assert corrected(speller, "delte a oin") == "delete a coin"
    assert corrected(speller, "delete mycoin") == "delete my coin"
    apart = Speller(words, ["flip a", "my", "coin"])
    assert corrected(apart, "delte a oin") == "delete a in"
    assert corrected(apart, "delete mycoin") == "delete mycoins"


def test_a_word_that_is_meant_otherwise_is_changed_wherever_it_stands() -> None:
    speller = Speller(Vocabulary(["the", "form", "fort", "budget", "users", "of"]))
    assert speller.readings("budgte of forx, the forx") == ("budget of form, the form", "budget of fort, the fort")


def test_words_of_the_language_that_the_model_has_in_pieces_are_no_slips() -> None:
    speller = Speller(Vocabulary(COMMON, ("radiator", "report", "aces")), ["rotate the kubeconfig"])
    assert speller.readings("what is my radiator") == ()
    assert corrected(speller, "what is my radiatro") == "what is my radiator"
    assert speller.readings("rotate my kubeconfigs") == ()  # an intent's word with an ending
    assert corrected(speller, "acess my reprot") == "aces my report"  # no plural: a list of words has plurals
    # The others are rarer than any that the model knows.
    assert corrected(Speller(Vocabulary(["users"], ["uses"])), "usexs") == "users"
    assert corrected(Speller(Vocabulary(["uses"], ["users"])), "usexs") == "uses"


def test_a_word_of_the_intents_is_no_rarer_than_one_that_only_they_have() -> None:
    words = ["".join(letters) for letters in itertools.product("abcdefghij", repeat=5)]
    known = Known(Vocabulary(words[:20], words[20:]), frozenset({words[-1], words[40], "kubeconfig"}))
    assert known.likelihood(words[-1]) == known.likelihood("kubeconfig") < known.likelihood(words[40])
    assert known.likelihood(words[-2]) < known.likelihood(words[21_000])


def test_a_word_that_is_right_keeps_its_capital() -> None:
    assert corrected(Speller(Vocabulary(COMMON)), "The budgte of usres") == "The budget of users"


def test_a_rare_word_in_the_place_of_an_intents_word_is_doubted() -> None:
    rare = ["".join(letters) for letters in itertools.product("jqxz", repeat=7)]
    speller = Speller(
        Vocabulary([*COMMON, "drop", "orders", "table"], [*rare, "dorp", "tabla"]), ["drop the orders table"]
    )
    assert speller.readings("dorp the budget") == ("drop the budget",)
    assert speller.readings("my orders Tabla") == ("my orders table",)
    assert speller.readings("a dorp of the tabla") == ()  # beside nothing that an intent has beside it
    assert speller.readings("drop the orders table") == ()
    assert corrected(speller, "dorp the orders tabla") == "drop the orders table"
    assert corrected(speller, " ".join(["dorp the", *rare[:23]])).startswith("drop the ")
    assert speller.readings(" ".join(["dorp the", *rare[:24]])) == ()


def test_two_words_are_less_likely_than_one() -> None:
    assert corrected(Speller(Vocabulary(["in", "to"])), "inqto") == "in to"
    assert corrected(Speller(Vocabulary(["in", "to", "unzto"]), ["unzto"]), "inqto") == "unzto"


@given(
    st.lists(st.text("abcd", min_size=2, max_size=9), max_size=40, unique=True),
    st.text("abcde", min_size=2, max_size=10),
    st.integers(0, 3),
)
def test_a_shelf_finds_what_comparing_with_each_word_finds(words: list[str], word: str, most: int) -> None:
    slips = {known: OSA.distance(word, known) for known in words}
    assert dict(Shelf(words).near(word, most)) == {known: each for known, each in slips.items() if each <= most}


@given(st.lists(st.sampled_from(COMMON), min_size=1, max_size=20), st.sampled_from([" ", ", ", "\n", ". "]))
def test_known_words_stay(words: list[str], mark: str) -> None:
    assert corrected(Speller(Vocabulary(COMMON)), mark.join(words)) == mark.join(words)


@given(st.text(st.characters(codec="utf-8"), max_size=80) | st.text("delt usrx", max_size=80))
def test_any_text_is_read_in_a_few_other_ways(text: str) -> None:
    readings = Speller(Vocabulary(COMMON), ["rotate the kubeconfig"]).readings(text)
    assert len({text, *readings}) == len(readings) + 1 <= 4


@given(
    st.sampled_from([word for word in COMMON if len(word) > 5]),
    st.integers(0, 4),
    st.sampled_from(string.ascii_lowercase),
    st.sampled_from(["insert", "replace", "drop", "swap"]),
)
def test_one_slip_in_a_word_unlike_all_others_is_mended(word: str, place: int, letter: str, slip: str) -> None:
    before, after = word[:place], word[place:]
    mistyped = {
        "insert": before + letter + after,
        "replace": before + letter + after[1:],
        "drop": before + after[1:],
        "swap": before + after[1] + after[0] + after[2:],
    }[slip]
    assert corrected(Speller(Vocabulary([word, "the", "of"])), f"{mistyped} the") == f"{word} the"
