"""Which characters look like letters of the Latin alphabet: those of other alphabets, signs, letters upside down."""

from typing import Final

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
LIKE_LETTERS: Final = "¢∂€£¥₳฿₵₣₲₭₥₦₱₽₴₮₩᙭"
SIGNS: Final = str.maketrans(LIKE_LETTERS, "cdelyABCFGKmNPPSTWX")
# Letters turned upside down, of which those that nothing else looks like tell that a text is so written.
TURNED: Final = str.maketrans("ɐqɔpǝɟƃɥᴉɾʞɯubdɹʇnʌʍʎ", "abcdefghijkmnqprtuvwy")
TURNED_ALONE: Final = frozenset("ɐɔǝɟƃɥᴉɾʞɹʇʌʍʎ")
LATIN: Final = {ord(other): letter for letter, others in LOOKS.items() for other in others}
# Letters in squares and circles that have no compatibility form; the flags' letters among them.
BOXED: Final = {first + n: chr(ord("A") + n) for first in (0x1F150, 0x1F170, 0x1F1E6) for n in range(26)}
