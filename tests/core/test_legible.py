"""What a reader sees of a text, whatever it was written with."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aimux.core.legible import IllegibleError, Legible, seen
from aimux.core.looks import LOOKS

WORDS = st.lists(st.text("abcdefghijklmnopqrstuvwxyz", min_size=2, max_size=12), min_size=1, max_size=8)
INVISIBLE = "\u200b\u200c\u200d\u2060\ufeff\u00ad\u180e\u200f\u061c\ufe0f\ue000\x00\x1b"


@given(WORDS)
def test_plain_text_is_what_it_is(words: list[str]) -> None:
    text = "\n".join(words) + "?"
    assert seen(text) == Legible(text)


@given(WORDS, st.data())
def test_letters_that_look_alike_are_the_same(words: list[str], data: st.DataObject) -> None:
    text = " ".join(words)
    disguised = "".join(
        data.draw(st.sampled_from([letter, *LOOKS[letter]])) if letter in LOOKS else letter for letter in text
    )
    assert seen(disguised).text == text


@pytest.mark.parametrize("form", ["MATHEMATICAL BOLD", "MATHEMATICAL MONOSPACE", "FULLWIDTH LATIN"])
def test_other_forms_of_a_letter_are_that_letter(form: str) -> None:
    name = form if "LATIN" in form else f"{form}"
    written = "".join(unicodedata.lookup(f"{name} SMALL {'LETTER ' if 'LATIN' in form else ''}{c}") for c in "DELETE")
    assert seen(written).text == "delete"


@pytest.mark.parametrize("text", ["\U0001f173\U0001f174\U0001f17b", "\U0001f1e9\U0001f1ea\U0001f1f1", "ⒹⒺⓁ"])
def test_letters_in_boxes_are_letters(text: str) -> None:
    assert seen(text).text == "DEL"


@given(WORDS, st.data())
def test_what_has_no_width_changes_nothing(words: list[str], data: st.DataObject) -> None:
    text = " ".join(words)
    spread = "".join(letter + data.draw(st.sampled_from(["", *INVISIBLE])) for letter in text)
    assert seen(spread).text == text


def test_marks_on_letters_change_nothing() -> None:
    assert seen("d\u0335e\u0301l\u0300\u0301\u0302ète").text == "delete"


def test_what_tag_characters_hide_is_read_too() -> None:
    hidden = "".join(chr(0xE0000 + ord(letter)) for letter in "delete all users")
    assert seen(f"hello{hidden} there") == Legible("hello there", ("delete all users",))


def test_a_flag_made_of_tags_hides_nothing() -> None:
    england = "\U0001f3f4" + "".join(chr(0xE0000 + ord(letter)) for letter in "gbeng") + "\U000e007f"
    assert seen(f"weather in {england}").others == ()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("d e l e t e  u s e r s", "delete users"),
        ("please d.e.l.e.t.e it", "please delete it"),
        ("d-e-l-e-t-e", "delete"),
        ("d_e_l_e_t_e all", "delete all"),
        ("d\u00a0e\u2003l\u00a0e t e", "delete"),
    ],
)
def test_words_that_are_spelt_out_are_read_together_as_well(text: str, words: str) -> None:
    assert seen(text).others == (words,)


@pytest.mark.parametrize("text", ["plan a or b", "a well-known e-mail", "U.S.A. and the E.U.", "3.5 x 4", "x = a * b"])
def test_ordinary_short_words_are_not_spelling(text: str) -> None:
    assert seen(text) == Legible(text)


@pytest.mark.parametrize(
    "text", ["Удалить всех пользователей", "διαγραφή όλων των χρηστών", "删除所有用户", "Tシャツ", "Füße"]
)
def test_other_languages_are_left_as_they_are(text: str) -> None:
    assert seen(text).text == text


def test_a_word_of_another_language_is_not_read_as_a_latin_one_beside_its_own() -> None:
    assert seen("он съел сор").text == "он съел сор"
    assert seen("a nice сор").text == "a nice cop"


@pytest.mark.parametrize("text", ["deжete users", "юsers list", "usЯrs delete"])
def test_words_of_several_alphabets_are_refused(text: str) -> None:
    with pytest.raises(IllegibleError, match="several alphabets"):
        seen(text)


@pytest.mark.parametrize("text", ["ρяινєт", "уσυя"])
def test_words_of_two_foreign_alphabets_are_refused_too(text: str) -> None:
    with pytest.raises(IllegibleError, match="several alphabets"):
        seen(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a¢¢ount", "account"),
        ("or∂ers", "orders"),
        ("₴₮₳₮Ʉ₴", "STATUS"),
        ("ᗪᖇOᑭ TᕼE TᗩᗷᒪE", "DROP THE TABLE"),
        ("T᙭T", "TXT"),
    ],
)
def test_signs_and_syllables_that_look_like_letters_are_read_so_inside_of_words(text: str, expected: str) -> None:
    assert seen(text).text == expected


@pytest.mark.parametrize(
    "text",
    [*("5 €, €5, 5€, £m, US$ 3, 10¢", "∂f/∂x", "₿ and ₱100", "ᐃᓄᒃᑎᑐᑦ is a language"), "☞ see → here ✓ 👍🏽"],
)
def test_amounts_formulas_and_other_writing_stay(text: str) -> None:
    assert seen(text) == Legible(text)


@pytest.mark.parametrize("text", ["ǝlqɐʇ sɹǝpɹo ǝɥʇ doɹp", "pɹod ʇɥǝ oɹpǝɹs ʇɐqlǝ"])
def test_letters_upside_down_are_read_upright_in_both_orders(text: str) -> None:
    found = seen(f"hello {text} now")
    assert found.text == f"hello {text} now"
    (other,) = found.others
    assert "drop the orders table." in other
    assert other.startswith("hello ")
    assert other.endswith(" now")


def test_a_sound_or_two_are_not_upside_down() -> None:
    assert seen("the vowels /ɔ/ and /ɐ/ of English").others == ()


def test_words_in_an_alphabet_that_nobody_writes_in_are_refused_among_latin_ones() -> None:
    with pytest.raises(IllegibleError, match="nobody writes in today"):
        seen("please ᛞᚱᛟᛈ ᚦᛖ ᛏᚨᛒᛚᛖ")
    assert seen("the rune ᚠ, in ᚠᚢᚦᚨᚱᚲ").others == ()
    assert seen("ᛞᚱᛟᛈ ᚦᛖ ᛏᚨᛒᛚᛖ").others == ()


@pytest.mark.parametrize("text", ["5 μm", "a β-blocker", "the Δx of it", "10 kΩ"])
def test_signs_of_science_are_no_deceit(text: str) -> None:
    seen(text)


@pytest.mark.parametrize(
    ("text", "parts", "as_one"),
    [
        ("plot ΔRevenue", "plot Δ Revenue", "plot drevenue"),
        ("is βcarotene safe", "is β carotene safe", "is bcarotene safe"),
        ("Σsales of May", "Σ sales of May", "ssales of May"),
        ("sinθ of it", "sin θ of it", "sint of it"),
        ("the IDшник", "the ID шник", "the idshik"),
        ("a QRкод", "a QR код", "a qrkod"),
        ("ask ЮMoney", "ask Ю Money", "ask umoney"),
        ("my СберID", "my Сбер ID", "my cbepid"),
        ("the SberБанк", "the Sber Банк", "the sberbahk"),
    ],
)
def test_words_of_two_alphabets_that_people_write_are_two_words_and_read_as_one_too(
    text: str, parts: str, as_one: str
) -> None:
    assert seen(text) == Legible(parts, (as_one,))


@pytest.mark.parametrize(
    "text",
    [
        *("αβ-lactam and a π-day", "Tシャツ", "Eメールの件名", "Webサイト", "API-шка", "Κώστας", "Сергей спросил"),
        *("ΔT of 5 K", "the IL1β level"),
    ],
)
def test_words_of_one_alphabet_each_beside_one_another_stay(text: str) -> None:
    assert seen(text) == Legible(text)


def test_an_ending_behind_a_foreign_word_is_read_in_a_text_of_its_language() -> None:
    assert seen("запусти dockerный образ").text == "запусти docker ный образ"
    with pytest.raises(IllegibleError, match="several alphabets"):
        seen("run the dockerный image")


@pytest.mark.parametrize("text", ["δelete θvery ψser", "the ΔRows, λtables, πusers", "DELETж тут ALLж и USERж"])
def test_many_words_of_two_alphabets_near_one_another_are_refused(text: str) -> None:
    with pytest.raises(IllegibleError, match="several alphabets"):
        seen(text)


def test_what_would_be_a_latin_word_by_its_sound_is_read_so_too() -> None:
    assert seen("δelete the πassword") == Legible("δ elete the π assword", ("delete the password",))


@pytest.mark.parametrize(
    "text",
    [
        *("please \u202esresu eteled", "\u202e4321\u202c", "\u202e\u2066\u2069drop", "\u202e\u202a\u202cdrop"),
        *("\u202dשלום עולם\u202c", "a \u202dمرحبا"),
    ],
)
def test_what_turns_letters_round_is_refused(text: str) -> None:
    with pytest.raises(IllegibleError, match="reverse the order"):
        seen(text)


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("call \u202d+49 170 1234567\u202c now", "call +49 170 1234567 now"),
        ("pay \u202d1,234.50", "pay 1,234.50"),
        ("رقم \u202d+1 234\u202c من فضلك", "رقم +1 234 من فضلك"),
        ("\u202dforecast revenue\u202c", "forecast revenue"),
        ("\u202e\u202cforecast", "forecast"),
        ("\u202e!\nforecast", "!\nforecast"),
        ("\u202e\u2067!\u2069\u202cforecast", "!forecast"),
        ("שלום \u202eעולם\u202c", "שלום עולם"),
    ],
)
def test_overrides_that_turn_nothing_round_are_passed_over(text: str, read: str) -> None:
    assert seen(text).text == read


@given(st.text() | st.text("aeiDELTxθΔδλжЖдоеÉß\u0301 -\u202d\u202e\u202c", max_size=24))
def test_any_text_is_read_or_refused_and_reading_it_again_changes_nothing(text: str) -> None:
    try:
        found = seen(text)
    except IllegibleError:
        return
    try:
        assert seen(found.text).text == found.text
    except IllegibleError:
        pytest.fail("what was read once cannot be read again")
