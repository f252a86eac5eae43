"""Characters that nobody sees in ids, names and secrets, and where text may be cut."""

import re
import unicodedata

_ZWNJ, _ZWJ = "\u200c", "\u200d"
# What Unicode calls default-ignorable, and three that print as nothing or stand for a character that was lost.
_UNSEEN = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f\u2800\u3164"
    "\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffd\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
_ORDINARY_BLANKS = {" "}
_NAME_BLANKS = {" ", "\u3000"}
_EMOJI_MODIFIERS = range(0x1F3FB, 0x1F400)
_TAGS = range(0xE0020, 0xE0080)
_FLAGS = range(0x1F1E6, 0x1F200)
_BLACK_FLAG = "\U0001f3f4"


def named(char: str) -> str:
    """`U+200D ZERO WIDTH JOINER`."""
    return f"U+{ord(char):04X} {unicodedata.name(char, '')}".rstrip()


def unseen(text: str, *, in_name: bool = False) -> str | None:
    """The first character of `text` that does not print, or prints as a blank and is none, or None.

    `in_name` leaves what some scripts and emoji are written with: joiners and variation selectors where they join or
    vary something, and the ideographic blank.
    """
    blanks = _NAME_BLANKS if in_name else _ORDINARY_BLANKS
    for at, char in enumerate(text):
        if char.isascii():
            continue
        if unicodedata.category(char) == "Zs":
            if char not in blanks:
                return char
        elif _does_not_print(char) and not (in_name and _belongs(text, at)):
            return char
    return None


def confusable(text: str) -> str | None:
    """The first character of an id in NFC that looks like another: of full or half width, or a combining one."""
    for char in text:
        if unicodedata.decomposition(char).startswith(("<wide>", "<narrow>")) or unicodedata.category(char)[0] == "M":
            return char
    return None


def cut(text: str, most: int) -> str:
    """At most `most` characters of `text`, never ending inside of what a reader takes for one."""
    if len(text) <= most:
        return text
    while most > 0 and _joined(text, most):
        most -= 1
    return text[:most]


def _does_not_print(char: str) -> bool:
    if _UNSEEN.match(char):
        return True
    if char.isprintable():
        return False
    # Characters newer than this Python's tables are fine; the 66 that Unicode will never assign are not.
    return unicodedata.category(char) != "Cn" or ord(char) & 0xFFFE == 0xFFFE or 0xFDD0 <= ord(char) <= 0xFDEF


def _belongs(text: str, at: int) -> bool:
    """Whether the unseen character there changes how its neighbours are written."""
    char, before, after = text[at], text[at - 1 : at], text[at + 1 : at + 2]
    if char in (_ZWNJ, _ZWJ):
        if not before or not after:
            return False
        virama = unicodedata.combining(before) == 9
        arabic = unicodedata.bidirectional(before) == unicodedata.bidirectional(after) == "AL"
        return virama or arabic or (char == _ZWJ and _is_pictorial(_base(text, at)) and _is_pictorial(after))
    if "\ufe00" <= char <= "\ufe0f":
        # Keycaps are digits before U+20E3.
        return before != "" and (_is_pictorial(before) or _is_han(before) or (before in "0123456789#*"))
    if 0xE0100 <= ord(char) <= 0xE01EF:
        return _is_han(before)
    return ord(char) in _TAGS and text[:at].rstrip("".join(map(chr, _TAGS))).endswith(_BLACK_FLAG)


def _base(text: str, at: int) -> str:
    """The character before `at` that selectors, modifiers and tags there belong to."""
    while at > 0 and _extends(text[at - 1]):
        at -= 1
    return text[at - 1 : at]


def _is_pictorial(char: str) -> bool:
    # Unassigned ones are emoji newer than this Python's tables.
    return char != "" and not char.isascii() and unicodedata.category(char) in ("So", "Sm", "Sk", "Po", "Cn")


def _is_han(char: str) -> bool:
    return char != "" and unicodedata.name(char, "").startswith("CJK ")


def _extends(char: str) -> bool:
    code = ord(char)
    return (
        unicodedata.category(char)[0] == "M"
        or char in (_ZWNJ, _ZWJ)
        or code in _EMOJI_MODIFIERS
        or code in _TAGS
        or unicodedata.combining(char) != 0
    )


def _joined(text: str, at: int) -> bool:
    """Whether a reader takes what stands before and after `at`, neither end of the text, for one character."""
    before, after = text[at - 1], text[at]
    if _extends(after) or before == _ZWJ:
        return True
    if unicodedata.combining(before) == 9:
        return unicodedata.category(after) == "Lo"
    if ord(before) in _FLAGS and ord(after) in _FLAGS:
        flags = at - len(text[:at].rstrip("".join(map(chr, _FLAGS))))
        return flags % 2 == 1
    return False
