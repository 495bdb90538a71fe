"""The demo's audit: does anything that the generator planted stand in what came out?

Every text of a record that came out (key, header, each key and string of the payload) is looked through for
every planted value of its own event and of every other event: in any case and Unicode composition,
percent-encoded, in base64, in JSON inside a string, and as a plain MD5, SHA-1 or SHA-256.

A value counts as found only where no letter or digit touches it, so that `192.0.2.3` is not found in
`192.0.2.31`. Of a name each part counts, of an e-mail address the mailbox alone counts too.
"""

import re
from base64 import urlsafe_b64decode
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache
from hashlib import md5, sha1, sha256
from typing import NamedTuple
from unicodedata import normalize
from urllib.parse import unquote_plus

import orjson

from service.demo.planted import Kind, Place, Planted, SampleEvent
from service.events.json_value import JsonValue

_WORD = re.compile(r"[^\W_]+")
_BASE64_RUN = re.compile(r"[A-Za-z0-9+/_-]{8,}")
_URL_SAFE = str.maketrans("+/", "-_")
#: Initials are no names.
_LEAST_NAME = 3


class Spelling(StrEnum):
    """In which form a value was found."""

    PLAIN = "plain"
    PERCENT = "percent-encoded"
    BASE64 = "base64"
    HASH = "plain hash"


class Output(NamedTuple):
    """A record that came out.

    Attributes:
        event: The event it was made from; None where it should hold nothing of any event (a dead letter).
        key: The record's key.
        value: The record's value, JSON.
        headers: The record's headers.
    """

    event: SampleEvent | None
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...]


class Bin(NamedTuple):
    """Where and what: the unit in which values are counted."""

    place: Place
    kind: Kind


@dataclass(slots=True)
class AuditResult:
    """What the audit found; counts alone.

    Attributes:
        outputs: How many records were looked through.
        needles: How many different spellings were looked for in each.
        planted: Values planted.
        found: Those of them that came out, in one vendor's records or several.
        strange: Finds that are not of the record's own event, by kind: values of another event, or anything
            at all in a dead letter.
        spellings: All finds by the form they had.
    """

    outputs: int = 0
    needles: int = 0
    planted: Counter[Bin] = field(default_factory=Counter)
    found: Counter[Bin] = field(default_factory=Counter)
    strange: Counter[Kind] = field(default_factory=Counter)
    spellings: Counter[Spelling] = field(default_factory=Counter)

    @property
    def structured_found(self) -> int:
        """Finds that must not be: from structured fields, or of another event."""
        return self.strange.total() + sum(
            count for bin_, count in self.found.items() if bin_.place is Place.STRUCTURED
        )

    @property
    def free_text_found(self) -> int:
        return sum(count for bin_, count in self.found.items() if bin_.place is Place.FREE_TEXT)

    @property
    def free_text_share(self) -> float:
        """The share of values planted in free text that came out, 0 to 1."""
        planted = sum(count for bin_, count in self.planted.items() if bin_.place is Place.FREE_TEXT)
        return self.free_text_found / planted if planted else 0.0


class _Needle(NamedTuple):
    """What to look for in folded text."""

    text: str
    hashed: bool


def audit(events: Iterable[SampleEvent], outputs: Iterable[Output]) -> AuditResult:
    """Look through all outputs for all values planted in all events."""
    result = AuditResult()
    searcher = _Searcher()
    for event in events:
        for planted in event.planted:
            result.planted[Bin(planted.place, planted.kind)] += 1
            searcher.add(planted)
    searcher.file()
    result.needles = len(searcher)
    found: set[tuple[int, Planted]] = set()
    for output in outputs:
        result.outputs += 1
        hits = set(searcher.hits(_text(output)))
        own = _needles_of(output.event) if output.event and hits else {}
        for needle, spelling in hits:
            result.spellings[spelling] += 1
            if output.event is None or needle not in own:
                result.strange[searcher.kind(needle)] += 1
            else:
                found.add((output.event.timestamp, own[needle]))
    for _, planted in found:
        result.found[Bin(planted.place, planted.kind)] += 1
    return result


def _needles_of(event: SampleEvent) -> dict[_Needle, Planted]:
    """The event's own needles and the planted values they come from.

    A needle of both a structured field and free text is the structured one's: the event itself says that it
    must not come through. The single words of a value are its own as well: somebody's name in her address
    is not the name that another event has.
    """
    in_order = sorted(event.planted, key=lambda one: one.place is Place.STRUCTURED)
    needles: dict[_Needle, Planted] = {}
    for planted in in_order:
        words = _WORD.findall(_folded(planted.value))
        needles.update((_Needle(word, hashed=False), planted) for word in words)
    for planted in in_order:
        needles.update(dict.fromkeys(_needles(planted), planted))
    return needles


def _needles(planted: Planted) -> set[_Needle]:
    value = _folded(planted.value)
    texts = {value}
    if planted.kind is Kind.NAME:
        texts.update(word for word in _WORD.findall(value) if len(word) >= _LEAST_NAME)
    elif planted.kind is Kind.EMAIL:
        texts.add(value.partition("@")[0])
    digests = {
        digest(spelled.encode(), usedforsecurity=False).hexdigest()
        for spelled in (planted.value, value)
        for digest in (md5, sha1, sha256)
    }
    return {_Needle(text, hashed=False) for text in texts} | {_Needle(text, hashed=True) for text in digests}


class _Searcher:
    """All needles, filed under their rarest word: a text is searched only for those whose word it has."""

    def __init__(self) -> None:
        self._kinds: dict[_Needle, Kind] = {}
        self._seen: set[tuple[str, Kind]] = set()
        self._filed: dict[str, list[_Needle]] = {}

    def __len__(self) -> int:
        return len(self._kinds)

    def add(self, planted: Planted) -> None:
        if (planted.value, planted.kind) in self._seen:
            return
        self._seen.add((planted.value, planted.kind))
        for needle in _needles(planted):
            self._kinds.setdefault(needle, planted.kind)

    def file(self) -> None:
        """Make what was added findable."""
        words = {needle: _WORD.findall(needle.text) for needle in self._kinds}
        frequency = Counter(word for found in words.values() for word in found)
        for needle, found in words.items():
            self._filed.setdefault(min(found, key=lambda word: frequency[word]), []).append(needle)

    def kind(self, needle: _Needle) -> Kind:
        return self._kinds[needle]

    def hits(self, text: str) -> Iterator[tuple[_Needle, Spelling]]:
        """The needles in a text, each with the form it has there."""
        for view, spelling in _views(text):
            folded = _folded(view)
            for word in self._filed.keys() & set(_WORD.findall(folded)):
                for needle in self._filed[word]:
                    if _stands_alone(needle.text, folded):
                        yield needle, Spelling.HASH if needle.hashed else spelling


def _stands_alone(needle: str, text: str) -> bool:
    start = text.find(needle)
    while start >= 0:
        end = start + len(needle)
        if not text[start - 1 : start].isalnum() and not text[end : end + 1].isalnum():
            return True
        start = text.find(needle, start + 1)
    return False


def _folded(text: str) -> str:
    return normalize("NFKC", text).casefold()


def _views(text: str) -> Iterator[tuple[str, Spelling]]:
    """The text, and what it says where it is decoded; the decoded view repeats what needs no decoding."""
    yield text, Spelling.PLAIN
    if "%" in text or "+" in text:
        yield unquote_plus(text), Spelling.PERCENT
    decoded = "\n".join(filter(None, map(_from_base64, _BASE64_RUN.findall(text))))
    if decoded:
        yield decoded, Spelling.BASE64


@lru_cache(maxsize=65_536)
def _from_base64(run: str) -> str:
    """What a run says in base64, empty where it says nothing in UTF-8."""
    whole = run[: len(run) - 1] if len(run) % 4 == 1 else run
    try:
        return urlsafe_b64decode(whole.translate(_URL_SAFE) + "=" * (-len(whole) % 4)).decode()
    except ValueError:
        return ""


def _text(output: Output) -> str:
    """Every text of a record, one a line."""
    lines = [*_lines(output.value), *_lines(output.key)]
    for name, value in output.headers:
        lines += [name, *_lines(value)]
    return "\n".join(lines)


def _lines(octets: bytes | None) -> Iterator[str]:
    text = (octets or b"").decode(errors="replace")
    yield from _strings(text)


def _strings(value: JsonValue) -> Iterator[str]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _strings(key)
            yield from _strings(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _strings(inner)
    elif isinstance(value, str) and value.startswith(("{", "[")):
        try:
            yield from _strings(orjson.loads(value))
        except orjson.JSONDecodeError:
            yield value
    else:
        yield str(value)
