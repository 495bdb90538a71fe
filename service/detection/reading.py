"""How a text is read before it is searched: tricks folded away, escapes undone, every offset kept.

A reading's text is what a person would read. Each of its characters remembers the stretch of the original
that it stands for, so that a span found in the reading can be cut out of the original.
"""

import html
import re
import unicodedata
from collections.abc import Callable, Iterator
from typing import Final, NamedTuple

#: ANSI escape sequences (ECMA-48, 5.4): colours and cursor moves in terminal output.
_ANSI: Final = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|[@-Z\\-_])")
#: Characters that show nothing: controls that are no white space, format characters (Unicode category Cf),
#: fillers, variation selectors and tags.
_HIDDEN: Final = re.compile(
    "[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\u00ad\u034f\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u115f\u1160"
    "\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb"
    "\U000110bd\U000110cd\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
#: Anything but plain ASCII: most texts have none and are read as they are.
_ODD: Final = re.compile(r"[^ -~\n\r\t]")
#: The most combining marks that are read as one with their letter (UAX #15, stream-safe text): to put any
#: number of them in order takes time that grows with its square.
_MOST_MARKS: Final = 30
#: Whatever may be that many marks in a row.
_MANY_MARKS: Final = re.compile(rf"[^\w\s!-~]{{{_MOST_MARKS}}}")
_NOT_ASCII: Final = re.compile(r"[^\x00-\x7f]|[\x0b\x0c\x1c-\x1f]")
_ESCAPES: Final = re.compile(
    r"(?P<percent>(?:%[0-9A-Fa-f]{2})+)"
    r"|(?P<entity>&(?:#[0-9]{1,7}|#[xX][0-9A-Fa-f]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});)"
    r"|(?P<unicode>(?:\\{1,4}u[0-9A-Fa-f]{4})+)"
    r"|(?P<hex>(?:\\{1,2}x[0-9A-Fa-f]{2})+)"
    r"|(?P<mark>\\{1,3}[nrt](?![a-z])|\\{1,3}[\"/])"
)
_ESCAPE_LEADS: Final = re.compile(r"%[0-9A-Fa-f]{2}|&[#A-Za-z]|\\[uxnrt\"/]")
#: Cyrillic and Greek letters that look like Latin ones (Unicode's confusables.txt, single letters only).
_LOOK_ALIKES: Final = dict(
    zip(
        "асԁеһіјӏкорԛѕтухвмнѵԝАВСЕНІЈКМОРЅТХУԚԜѴαορνικτυχΑΒΕΖΗΙΚΜΝΟΡΤΥΧ",
        "acdehijlkopqstyxbmhvwABCEHIJKMOPSTXYQWVaopviktuxABEZHIKMNOPTYX",
        strict=True,
    )
)
_PLAIN_PUNCTUATION: Final = {
    **dict.fromkeys("‐‑‒–—―−﹘﹣－", "-"),
    **dict.fromkeys("‘’‚‛ʼʹˈ＇´", "'"),
    **dict.fromkeys("“”„‟″＂", '"'),
    **dict.fromkeys("。｡．․", "."),
}
_MIXED_WORD: Final = re.compile(r"[^\W\d_]+")
_LATIN: Final = re.compile(r"[A-Za-z\u00c0-\u024f\u1e00-\u1eff]")
_MAX_UNESCAPES: Final = 3


class Reading(NamedTuple):
    """A text as it is searched.

    Attributes:
        text: What is searched.
        starts: For each of its characters, where it starts in the original; None where both are the same.
        ends: For each of its characters, where it ends in the original.
    """

    text: str
    starts: list[int] | None
    ends: list[int] | None

    def origin(self, start: int, end: int) -> tuple[int, int]:
        """Where a non-empty stretch of the reading stands in the original."""
        if self.starts is None or self.ends is None:
            return start, end
        return self.starts[start], self.ends[end - 1]

    def part(self, start: int, end: int) -> "Reading":
        """A stretch of the reading, with offsets into the same original."""
        if self.starts is None or self.ends is None:
            return Reading(self.text[start:end], list(range(start, end)), list(range(start + 1, end + 1)))
        return Reading(self.text[start:end], self.starts[start:end], self.ends[start:end])


def fold(text: str) -> Reading:
    """The text without what hides: invisible and control characters, look-alike letters, odd widths.

    Case stays as it is: it is evidence of names.
    """
    if not _ODD.search(text):
        return Reading(text, None, None)
    if not (_MANY_MARKS.search(text) or _HIDDEN.search(text)) and unicodedata.is_normalized("NFKC", text):
        # What is left to do takes one character for one: offsets stay.
        return Reading(_MIXED_WORD.sub(_latinized, _NOT_ASCII.sub(_plain, text)), None, None)
    pieces = list(_clusters(text))
    return Reading(
        _MIXED_WORD.sub(_latinized, "".join(piece for piece, _, _ in pieces)),
        [start for piece, start, _ in pieces for _ in piece],
        [end for piece, _, end in pieces for _ in piece],
    )


def _clusters(text: str) -> Iterator[tuple[str, int, int]]:
    """Each visible character with its combining marks, normalized, and where it stands."""
    position = 0
    while position < len(text):
        escape = _ANSI.match(text, position) if text[position] == "\x1b" else None
        if escape:
            position = escape.end()
            continue
        end = position + 1
        while end - position <= _MOST_MARKS and end < len(text) and unicodedata.combining(text[end]):
            end += 1
        visible = _HIDDEN.sub("", text[position:end])
        piece = _NOT_ASCII.sub(_plain, unicodedata.normalize("NFKC", visible)) if visible else ""
        if piece:
            yield piece, position, end
        position = end


def _plain(match: re.Match[str]) -> str:
    char = match[0]
    if char.isdecimal():
        return str(unicodedata.decimal(char))
    if char.isspace():
        return "\n" if char in "\u2028\u2029\x85" else " "
    if "\ud800" <= char <= "\udfff":  # half of a pair: no model takes it
        return "\ufffd"
    return _PLAIN_PUNCTUATION.get(char, char)


def _latinized(word: re.Match[str]) -> str:
    """A word that mixes Latin letters with look-alikes of other scripts, in Latin letters."""
    letters = word[0]
    if letters.isascii() or not _LATIN.search(letters):
        return letters
    return "".join(_LOOK_ALIKES.get(char, char) for char in letters)


def unescape(reading: Reading) -> Reading | None:
    r"""The reading with percent-encoding, HTML entities and \\u escapes undone; None where it has none."""
    current = reading
    for _ in range(_MAX_UNESCAPES):
        if not _ESCAPE_LEADS.search(current.text):
            break
        undone = _unescape_once(current)
        if undone.text == current.text:
            break
        current = undone
    if current is reading:
        return None
    folded = fold(current.text)
    return _composed(folded, current)


def _unescape_once(reading: Reading) -> Reading:
    chars: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    position = 0

    def copy(until: int) -> None:
        for index in range(position, until):
            start, end = reading.origin(index, index + 1)
            chars.append(reading.text[index])
            starts.append(start)
            ends.append(end)

    for match in _ESCAPES.finditer(reading.text):
        decoded = _DECODERS[match.lastgroup or ""](match[0])
        if decoded is None:
            continue
        copy(match.start())
        for text, offset, length in decoded:
            start, end = reading.origin(match.start() + offset, match.start() + offset + length)
            for char in text:
                chars.append(char)
                starts.append(start)
                ends.append(end)
        position = match.end()
    copy(len(reading.text))
    return Reading("".join(chars), starts, ends)


_Decoded = list[tuple[str, int, int]]


def _percent(run: str) -> _Decoded | None:
    """Characters of a percent-encoded run; bytes that are no UTF-8 are read as Latin-1 (old forms do)."""
    data = bytes.fromhex(run.replace("%", ""))
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        return [(chr(byte), 3 * index, 3) for index, byte in enumerate(data)]
    decoded, offset = [], 0
    for char in text:
        length = 3 * len(char.encode("utf-8"))
        decoded.append((char, offset, length))
        offset += length
    return decoded


def _entity(run: str) -> _Decoded | None:
    char = html.unescape(run)
    return None if char == run else [(char, 0, len(run))]


def _code_units(run: str) -> _Decoded | None:
    decoded: _Decoded = []
    units = [(int(match[1], 16), match.start(), len(match[0])) for match in _UNIT.finditer(run)]
    index = 0
    while index < len(units):
        unit, start, length = units[index]
        index += 1
        if 0xD800 <= unit < 0xDC00 and index < len(units) and 0xDC00 <= units[index][0] < 0xE000:
            low, _, low_length = units[index]
            index += 1
            unit = 0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00)
            length += low_length
        decoded.append((" " if 0xD800 <= unit < 0xE000 else chr(unit), start, length))
    return decoded


_UNIT: Final = re.compile(r"\\+[ux]([0-9A-Fa-f]{2,4})")
_DECODERS: Final[dict[str, Callable[[str], _Decoded | None]]] = {
    "percent": _percent,
    "entity": _entity,
    "unicode": _code_units,
    "hex": _code_units,
    "mark": lambda run: [(run[-1] if run[-1] in '"/' else " ", 0, len(run))],
}


def _composed(outer: Reading, inner: Reading) -> Reading:
    """A reading of a reading's text, with offsets into the inner one's original."""
    if outer.starts is None or outer.ends is None:
        return outer._replace(starts=inner.starts, ends=inner.ends)
    spans = [inner.origin(start, end) for start, end in zip(outer.starts, outer.ends, strict=True)]
    return Reading(outer.text, [start for start, _ in spans], [end for _, end in spans])


def lowered(text: str) -> str:
    """The text in small letters, character by character: offsets stay."""
    low = text.lower()
    if len(low) == len(text):
        return low
    return "".join(char.lower() if len(char.lower()) == 1 else char for char in text)
