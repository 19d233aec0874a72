"""What a reader sees of a text: letters by their looks, nothing invisible, words that are spelt out put together.

A text is scored as it is seen, so that letters of another alphabet which look like Latin ones, characters of no width
and full-width forms change nothing. What no reader could tell is not guessed: such a text is refused.
"""

import re
import unicodedata
from functools import lru_cache
from typing import Final

from aimux.core.escapes import decoded
from aimux.core.values import value

# Which letters of other alphabets look like which Latin one, after the compatibility forms have been taken apart.
# From Unicode's data on confusable characters, with the small letters that only resemble a Latin capital added.
LOOKS: Final = {
    "a": "ɑαаạ",
    "b": "ƄЬьᏏƅв",
    "c": "ᴄсꮯⲥ",
    "d": "ԁᏧđɗ",
    "e": "еҽεєɛəꬲ",
    "f": "ꬵꞙẝքƒ",
    "g": "ɡᶃƍց",
    "h": "һհᏂħнʜ",
    "i": "ıɪɩιіꙇӏᎥꭵ",
    "j": "ϳјȷյ",
    "k": "κкĸᴋ",
    "l": "ӀɭłǀլʟƖ",
    "m": "мᴍ",
    "n": "ոռηпɴ",
    "o": "ᴏᴑꬽοσоօøөჿ",
    "p": "ρрⲣᴘ",
    "q": "ԛգզᑫ",
    "r": "ꭇꭈᴦⲅгꮁʀ",
    "s": "ꜱƽѕꮪ",
    "t": "τтŧᴛ",
    "u": "ꞟᴜꭎꭒʋυսμ",
    "v": "ᴠνѵꮩ",
    "w": "ɯᴡѡԝաꮃω",
    "x": "хχ",
    "y": "ɣᶌʏỿꭚγуүყ",
    "z": "ᴢꮓʐ",
    "A": "ΑАᎪᗅꓮᴀᗩ",
    "B": "ΒВᏴᗷꓐʙ",
    "C": "СⲤᏟꓚᑕ",
    "D": "ᎠᗞᗪꓓᴅĐ",
    "E": "ΕЕᎬⴹꓰᴇᗴᕮɆ",
    "F": "ϜᖴꓝꞘꜰ",
    "G": "ԌᏀᏳꓖɢ",
    "H": "ΗНⲎᎻᕼꓧⱧ",
    "I": "ΙІⲒꓲ",
    "J": "ЈͿᎫᒍꓙᴊ",
    "K": "ΚКⲔᏦᛕꓗ",
    "L": "ⳐᒪꓡŁⱠ",
    "M": "ΜМⲘᎷᗰꓟ",
    "N": "ΝⲚꓠᑎ",
    "O": "ΟОՕⲞꓳØ",
    "P": "ΡРⲢᏢᑭꓑ",
    "Q": "ⵕ",
    "R": "ƦᎡᏒᖇꓣⱤ",
    "S": "ЅՏᏕᏚꓢᔕ",
    "T": "ΤТⲦᎢꓔ",
    "U": "ՍᑌꓴɄ",
    "V": "ѴᏙᐯꓦ",
    "W": "ԜᎳᏔꓪᗯ",
    "X": "ΧХⲬꓫӾ",
    "Y": "ΥУҮⲨᎩᎽꓬɎ",
    "Z": "ΖᏃꓜᘔⱫ",
}
# Signs that are no letters and look like one: read so inside of words, and nowhere else.
_LIKE_LETTERS: Final = "¢∂€£¥₳฿₵₣₲₭₥₦₱₽₴₮₩᙭"
_SIGNS: Final = str.maketrans(_LIKE_LETTERS, "cdelyABCFGKmNPPSTWX")
# Letters turned upside down, of which those that nothing else looks like tell that a text is so written.
_TURNED: Final = str.maketrans("ɐqɔpǝɟƃɥᴉɾʞɯubdɹʇnʌʍʎ", "abcdefghijkmnqprtuvwy")
_TURNED_ALONE: Final = frozenset("ɐɔǝɟƃɥᴉɾʞɹʇʌʍʎ")
_FEWEST_TURNED: Final = 3
_LATIN: Final = {ord(other): letter for letter, others in LOOKS.items() for other in others}
# Letters in squares and circles that have no compatibility form; the flags' letters among them.
_BOXED: Final = {first + n: chr(ord("A") + n) for first in (0x1F150, 0x1F170, 0x1F1E6) for n in range(26)}
_TAGS: Final = range(0xE0020, 0xE007F)
_FLAG: Final = 0x1F3F4
# Of no width, or of no meaning to anybody: what controls a terminal, and what a font may draw as it likes.
_INVISIBLE: Final = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f"
    "\u202a-\u202c\u2060-\u206f\u3164\ue000-\uf8ff\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb"
    "\U000e0000-\U000e0fff\U000f0000-\U0010ffff]"
)
_OVERRIDES: Final = ("\u202d", "\u202e")
# Alphabets that are written like the Latin one and look like it: a word in two of them is spelt to deceive.
_ALIKE: Final = frozenset({"CYRILLIC", "GREEK", "ARMENIAN", "CHEROKEE", "COPTIC", "LISU", "GEORGIAN", "CANADIAN"})
_LIKE_LATIN: Final = _ALIKE | {"LATIN"}
# Alphabets that nobody writes in today. Who spells English in them writes for a language model alone.
_DEAD: Final = frozenset(
    {"RUNIC", "OGHAM", "DESERET", "SHAVIAN", "GOTHIC", "GLAGOLITIC", "PHOENICIAN", "UGARITIC", "CARIAN", "LYCIAN"}
    | {"LYDIAN", "OLD", "LINEAR"}
)
_FEWEST_DEAD: Final = 3
_MARKS: Final = r"[\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff]"
_WORD: Final = re.compile(rf"(?:[^\W\d_]{_MARKS}*)+")
_SIGNED: Final = re.compile(rf"(?<![\w{_LIKE_LETTERS}])(?:(?:[^\W\d_]|[{_LIKE_LETTERS}]){_MARKS}*+){{3,}}+(?!\w)")
_SPELT: Final = re.compile(r"(?<![^\W_])[^\W\d_](?:[ \t.\-_*·,/|]{1,3}[^\W\d_]){3,}(?![^\W_])")
_LATIN_WORD: Final = re.compile(r"[A-Za-z]{3}")
_APART: Final = re.compile(r"[ \t]{2,}")
_SHORT: Final = 3


class IllegibleError(ValueError):
    """A text that no reader could tell the meaning of. The message says why, and repeats nothing of it."""


@value
class Legible:
    """A text as it is seen, and what else of it could be read: letters spelt one by one, characters that hide."""

    text: str
    others: tuple[str, ...] = ()


def seen(text: str) -> Legible:
    """What a reader sees of a text. Raises IllegibleError."""
    others: list[str] = []
    other = raw = text
    if not text.isascii():
        hidden = _hidden(text)
        if hidden:
            others.append(hidden)
    other = text = _by_looks(text)
    if len(_TURNED_ALONE.intersection(raw)) >= _FEWEST_TURNED:
        other = _by_looks(_upright(raw))
    plain = decoded(other)
    if plain != other:
        for override in _OVERRIDES:
            plain = plain.replace(override, "")
        other = _by_looks(plain)
    other = _SPELT.sub(_together, other)
    if other != text:
        others.append(other)
    return Legible(text, tuple(others))


def _by_looks(text: str) -> str:
    if text.isascii():
        return text if text.isprintable() else _INVISIBLE.sub("", text)
    if any(override in text for override in _OVERRIDES):
        raise IllegibleError("it holds characters that reverse the order of others: write it without them")
    plain = unicodedata.normalize("NFKC", text.translate(_BOXED))
    plain = _INVISIBLE.sub("", plain)
    if plain.isascii():
        return plain
    plain = _SIGNED.sub(_without_signs, plain)
    own = _alphabets_of_its_own(plain)
    return _WORD.sub(lambda word: _latin(word.group(), own), plain)


def _without_signs(word: re.Match[str]) -> str:
    """A word with signs as letters where it has one between others, or several."""
    said = word.group()
    places = [place for place, character in enumerate(said) if ord(character) in _SIGNS]
    inside = any(0 < place < len(said) - 1 for place in places)
    return said.translate(_SIGNS) if inside or len(places) > 1 else said


def _upright(text: str) -> str:
    """A text whose letters are upside down, as they would stand: in both orders, since they may be reversed or not."""
    words = text.split()
    turned = [place for place, word in enumerate(words) if not _TURNED_ALONE.isdisjoint(word)]
    first, last = turned[0], turned[-1] + 1
    upright = " ".join(words[first:last]).translate(_TURNED)
    return " ".join((*words[:first], f"{upright[::-1]}. {upright}.", *words[last:]))


def _alphabets_of_its_own(text: str) -> frozenset[str]:
    """The alphabets that have words which could not be meant as Latin ones: somebody writes in them."""
    own, dead = set(), 0
    for word in _WORD.findall(text):
        scripts = {_script(letter) for letter in word}
        dead += not scripts.isdisjoint(_DEAD)
        if len(scripts) == 1 and not word.translate(_LATIN).isascii():
            own |= scripts & _ALIKE
    if dead >= _FEWEST_DEAD and _LATIN_WORD.search(text):
        raise IllegibleError("it holds words in an alphabet that nobody writes in today: write them in letters")
    return frozenset(own)


def _latin(word: str, own: frozenset[str]) -> str:
    """A word in Latin letters where it looks like one. Raises IllegibleError where it is of several alphabets."""
    if word.isascii():
        return word
    bare = "".join(letter for letter in unicodedata.normalize("NFD", word) if not unicodedata.combining(letter))
    scripts = {_script(letter) for letter in bare}
    if len(scripts) == 1 and scripts <= own:
        return word
    looks = bare.translate(_LATIN)
    if looks.isascii():
        return looks
    if len(scripts & _LIKE_LATIN) > 1 and len(bare) > _SHORT:
        raise IllegibleError("it holds words whose letters are of several alphabets: write each in one")
    return word


@lru_cache(maxsize=4096)
def _script(letter: str) -> str:
    return unicodedata.name(letter, "").partition(" ")[0]


def _hidden(text: str) -> str:
    """What tag characters spell: no reader sees them, and a language model may read them."""
    spelt, flag = [], False
    for character in text:
        code = ord(character)
        if code in _TAGS:
            if not flag:
                spelt.append(chr(code - 0xE0000))
        else:
            flag = code == _FLAG
    return "".join(spelt)


def _together(spelt: re.Match[str]) -> str:
    words = _APART.split(spelt.group())
    return " ".join("".join(letter for letter in word if letter.isalnum()) for word in words)
