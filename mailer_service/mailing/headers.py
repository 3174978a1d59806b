"""Values of header fields as they stand in a mail: folded, and read back to the letter as they were meant.

The standard library decodes what it is given to write: a name that looks like an encoded word leaves it as
another name. Here such a name is encoded itself, and what would end a line is refused in every Python.
"""

import re
from base64 import b64encode
from typing import Final

from mailer_service.mailing.mailbox import Mailbox

LINE_CHARACTERS: Final = 78
"""What a line should stay within (RFC 5322, 2.1.1)."""
ENCODED_LINE_CHARACTERS: Final = 76
"""What a line with an encoded word must stay within; the word alone, one less (RFC 2047, 2)."""

_FOLD: Final = "\r\n "
_ATEXT: Final = r"A-Za-z0-9!#$%&'*+/=?^_`{|}~-"
_ATOMS: Final = re.compile(rf"[{_ATEXT}]+( [{_ATEXT}]+)*")
_UNWRITABLE: Final = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_PLAIN: Final = re.compile(r"([!-~]+( [!-~]+)*)?")
_FRAME_CHARACTERS: Final = len("=?utf-8?b?" + "?=")
_Q: Final = tuple(
    chr(byte) if chr(byte).isalnum() or chr(byte) in "!*+-/" else "_" if byte == ord(" ") else f"={byte:02X}"
    for byte in range(128)
) + tuple(f"={byte:02X}" for byte in range(128, 256))
"""How each byte stands in an encoded word of kind Q, wherever in a header that word is (RFC 2047, 5)."""


class HeaderRefused(ValueError):
    """A value has a control character or half a character in it; the message does not repeat it."""


def words_value(text: str, *, field: str) -> str:
    """Write a line of text as the value of `field`, such as Subject. Raises `HeaderRefused`."""
    taken = _taken(field, text)
    if _PLAIN.fullmatch(text) is None or "=?" in text:
        return _encoded(text, taken=taken)
    if taken + len(text) <= LINE_CHARACTERS:
        return text
    words = text.split(" ")
    if max(map(len, words)) > LINE_CHARACTERS - taken:
        return _encoded(text, taken=taken)
    lines = [words[0]]
    for word in words[1:]:
        if taken + len(lines[-1]) + 1 + len(word) <= LINE_CHARACTERS:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
            taken = 1
    return _FOLD.join(lines)


def mailbox_value(mailbox: Mailbox, *, field: str) -> str:
    """Write a mailbox as the value of `field`, such as To. Raises `HeaderRefused`.

    In ASCII, except for a local part that is not (RFC 6532): only a server with SMTPUTF8 takes that.
    """
    taken = _taken(field, mailbox.name + mailbox.address)
    address = (
        mailbox.address
    )  # what is before the @ needs no quotes: a mailbox has atoms and single dots there
    if not mailbox.name:
        return address
    phrase = _phrase(mailbox.name, taken=taken)
    _, folded, last = phrase.rpartition(_FOLD)
    used = (1 if folded else taken) + len(last)
    return f"{phrase}{' ' if used + len(address) + 3 <= LINE_CHARACTERS else _FOLD}<{address}>"


def _taken(field: str, value: str) -> int:
    """Give how much of a first line the field's name takes, if the value can be written at all."""
    if _UNWRITABLE.search(value):
        raise HeaderRefused(f"{field}: a control character or half a character")
    return len(field) + len(": ")


def _phrase(name: str, *, taken: int) -> str:
    if name.isascii() and "=?" not in name:
        quoted = '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'
        phrase = name if _ATOMS.fullmatch(name) else quoted
        if taken + len(phrase) <= LINE_CHARACTERS:
            return phrase
    return _encoded(name, taken=taken)


def _encoded(text: str, *, taken: int) -> str:
    """Write encoded words, no character split between two, in the shorter of the two kinds."""
    spelled = ["".join([_Q[byte] for byte in character.encode()]) for character in text]
    readable = sum(map(len, spelled)) <= 4 * -(-len(text.encode()) // 3)
    sizes = [
        len(each) if readable else len(character.encode())
        for each, character in zip(spelled, text, strict=True)
    ]
    words, start, size = [], 0, 0
    room = _room(ENCODED_LINE_CHARACTERS - taken, readable=readable)
    for at, needs in enumerate(sizes):
        if size + needs > room:
            words.append(_word(text, spelled, start, at, readable=readable))
            start, size = at, 0
            room = _room(ENCODED_LINE_CHARACTERS - 1, readable=readable)
        size += needs
    words.append(_word(text, spelled, start, len(text), readable=readable))
    return _FOLD.join(words)


def _room(characters: int, *, readable: bool) -> int:
    inside = characters - _FRAME_CHARACTERS
    return inside if readable else inside // 4 * 3


def _word(text: str, spelled: list[str], start: int, end: int, *, readable: bool) -> str:
    if readable:
        return f"=?utf-8?q?{''.join(spelled[start:end])}?="
    return f"=?utf-8?b?{b64encode(text[start:end].encode()).decode()}?="
