"""The event's own identity values: whoever the event is about must not show in its texts either."""

import base64
import re
from collections.abc import Iterable, Iterator
from enum import Enum, auto
from functools import cache, lru_cache
from itertools import chain, islice
from typing import Final, NamedTuple
from urllib.parse import parse_qsl, unquote

from service.detection.lexicon import Commonness, lexicon
from service.detection.reading import Reading, fold, lowered, unescape
from service.detection.spans import Span, merge
from service.detection.word_lists import word_list
from service.detection.words import PARTICLES, split_words
from service.events.event import Event
from service.events.json_value import JsonValue
from service.events.paths import MISSING, lookup
from service.policy.entities import Entity
from service.policy.plan import IdentityField
from service.text_cache import text_cache

_RECOGNIZER: Final = "known_values"
#: Shorter identifiers and name parts would be found in everything.
_SHORTEST_ID: Final = 4
_SHORTEST_MIXED_ID: Final = 3  # of letters and digits
_SHORTEST_SOLID_ID: Final = 8  # of letters and digits, its separators left out
_SHORTEST_LOOSE: Final = 5
_SHORTEST_NAME: Final = 3
_SHORTEST_WORD: Final = 4
_SHORTEST_PHONE: Final = 7
#: Longer texts are no identity values; they are texts.
_LONGEST: Final = 320
_MAX_VALUES: Final = 200
_LONGEST_URL: Final = 4_000
_MAX_PARAMETERS: Final = 50
_MAX_DEPTH: Final = 32
#: The caches' bounds: values with all their forms, some 3 kB each, and keys, longer ones not kept.
_CACHED_VALUES: Final = 4_096
_CACHED_KEYS: Final = 4_096
_LONGEST_CACHED_KEY: Final = 64
_CACHED_TEXTS: Final = 4_096
_LONGEST_CACHED_TEXT: Final = 256

_NOT_SOLID: Final = re.compile(r"[\W_]+")

#: Mailboxes of roles, not of people.
_ROLE_MAILBOXES: Final = frozenset(word_list("known_values", "role_mailboxes"))
#: A mailbox and a host, not a URL that holds an `@`.
_EMAIL: Final = re.compile(r"[^\s@<>\"',;:/?#\\]{1,64}@[^\s@<>\"',;:/?#\\]{1,255}")
_MAILBOX: Final = re.compile(r"[\w.%+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{2,63}){1,8}")
_URL_MARKS: Final = re.compile(r"[@=]|%40")
_MAX_ENCODINGS: Final = 3
_PHONE: Final = re.compile(r"(?:tel:)?(?:\+|00)[\d ().\-/]{7,24}")
_KEY_PIECE: Final = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|[^\W\d_]+")
#: Keys of unclassified fields by whose values somebody is named or reached.
_NAME_KEYS: Final = frozenset(word_list("known_values", "name_keys"))
_PERSON_WORDS: Final = frozenset(word_list("known_values", "person_words"))
#: Keys that name somebody where their value has the look of a full name.
_PERSON_KEYS: Final = frozenset(word_list("known_values", "person_keys"))
_FULL_NAME: Final = re.compile(r"[^\W\d_][^\W\d_.'’-]+(?: [^\W\d_][^\W\d_.'’-]*){1,3}")
_USER_NAME_KEYS: Final = frozenset(word_list("known_values", "user_name_keys"))
_PHONE_KEYS: Final = frozenset(word_list("known_values", "phone_keys"))
_ID_KEYS: Final = frozenset(word_list("known_values", "id_keys"))
_SEPARATORS: Final = r"(?:\(0\)|[\s().\-/_,+·:]){0,4}"
#: A value inside of a longer word is another word; a genitive or plural s is not.
_LEFT: Final = r"(?<![^\W_])"
_RIGHT: Final = r"(?:'?s)?(?![^\W_])"


class _Kind(Enum):
    """What a value is, which decides the forms it may take."""

    NAME = auto()
    PHONE = auto()
    PERSON = auto()  # a user name, and whatever else a person goes by
    OTHER = auto()


class _Form(NamedTuple):
    """One form in which a value may stand in a text.

    Attributes:
        probe: Its letters and digits in a row: a text whose letters and digits lack it is not searched.
        pattern: The form, as a regular expression for folded and lower-cased text.
        capitalized: It is a word as well (`will`): it counts with a capital, inside a sentence.
    """

    probe: str
    pattern: str
    capitalized: bool = False


class KnownValues:
    """A matcher for one event's identity values, in the forms they may take in a text."""

    def __init__(self, forms: Iterable[_Form] = ()) -> None:
        """Made by `of`; without forms nothing is known and nothing found."""
        self._forms = tuple(forms)

    def __repr__(self) -> str:
        """Shows no value."""
        return "<KnownValues>"

    @classmethod
    def of(cls, event: Event, identity_fields: Iterable[IdentityField]) -> "KnownValues":
        """The values of the event's identity fields, and of what looks like one anywhere else in it."""
        found = {
            (_written(value), _kind(field.data_class))
            for field in identity_fields
            if (value := lookup(event.body, field.path)) is not MISSING
        }
        found.update((_written(value), kind) for value, kind in _unclassified(event.body))
        return cls(chain.from_iterable(_forms(written, kind) for written, kind in found))

    def spans(self, text: str) -> tuple[Span, ...]:
        """Where the values stand in a text: in order, not overlapping, in code points of the text."""
        if not self._forms:
            return ()
        folded = fold(text)
        found = list(self._in(folded))
        unescaped = unescape(folded)
        if unescaped is not None:
            found += self._in(unescaped)
        return merge(found) if found else ()

    def may_stand_in(self, texts: Iterable[str]) -> bool:
        """Whether `spans` needs to be asked of any: a quick look that errs on the safe side only."""
        if not self._forms:
            return False
        whole = " ".join(map(_probed, texts))
        return any(form.probe in whole for form in self._forms)

    def _in(self, reading: Reading) -> Iterator[Span]:
        low = lowered(reading.text)
        solid = _solid(low)
        for form in self._forms:
            if form.probe not in solid:
                continue
            for match in re.finditer(form.pattern, low):
                if form.capitalized:
                    before = reading.text[: match.start()].rstrip()
                    if not reading.text[match.start()].isupper() or not before or before[-1] in ".!?\n":
                        continue
                yield Span(*reading.origin(*match.span()), Entity.IDENTITY, 1.0, _RECOGNIZER)


def _solid(low: str) -> str:
    return _NOT_SOLID.sub("", low)


@text_cache(entries=_CACHED_TEXTS, longest=_LONGEST_CACHED_TEXT)
def _probed(text: str) -> str:
    """The letters and digits of a text in a row, as it stands and with its escapes undone."""
    folded = fold(text)
    unescaped = unescape(folded)
    return " ".join(_solid(lowered(reading.text)) for reading in (folded, unescaped) if reading is not None)


def _written(value: object) -> str:
    """A value as it may stand in a text; empty where it can't name anybody."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return ""
    written = str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
    return written[: _LONGEST + 1]


@cache
def _kind(data_class: str) -> _Kind:
    if data_class.startswith("person.name"):
        return _Kind.NAME
    if data_class.startswith("contact.phone"):
        return _Kind.PHONE
    return _Kind.PERSON if data_class.startswith("person.") else _Kind.OTHER


# A person's values come again with each event of a session; their forms take 100 µs of an event's time.
@lru_cache(_CACHED_VALUES)
def _forms(written: str, kind: _Kind) -> tuple[_Form, ...]:
    """The forms of one value."""
    text = " ".join(fold(written).text.split())
    if not text or len(text) > _LONGEST:
        return ()
    return tuple(dict.fromkeys(_Forms(text, kind).found))


class _Forms:
    """Collects the forms of a value, as regular expressions."""

    def __init__(self, text: str, kind: _Kind) -> None:
        self.found: list[_Form] = []
        self._lists = lexicon()
        if kind is _Kind.NAME:
            self._name(text)
        elif kind is _Kind.PHONE:
            self._phone(text)
        elif "@" in text and _EMAIL.fullmatch(text):
            self._email(text)
        elif kind is _Kind.PERSON:
            self._user_name(text)
        elif _PHONE.fullmatch(text):
            self._phone(text)
        else:
            self._identifier(text)
        self._encoded(text)

    def _put(self, probe: str, pattern: str, *, capitalized: bool = False) -> None:
        solid = _solid(probe)
        if solid:
            self.found.append(_Form(solid, pattern, capitalized))

    def _literal(self, text: str) -> None:
        words = [re.escape(word) for word in lowered(text).split()]
        gap = r"[\W_]{0,3}" if len(text) > _SHORTEST_LOOSE else r"[\W_]{1,3}"
        self._put(lowered(text), _LEFT + gap.join(words) + _RIGHT)

    def _name(self, text: str) -> None:
        words = split_words(text)
        if len(words) > 1:
            self._literal(text)
            keys = [lowered(text[word.start : word.end]) for word in words]
            keys.reverse()
            self._put("".join(keys), _LEFT + r"[\W_]{0,3}".join(map(re.escape, keys)) + _RIGHT)
        for word in words:
            self._name_part(lowered(text[word.start : word.end]), word.key)

    def _name_part(self, part: str, key: str) -> None:
        if len(part) < (_SHORTEST_NAME if part.isascii() else 2) or key in PARTICLES:
            return
        commons = [lists[key] for lists in (self._lists.given, self._lists.surnames) if key in lists]
        everyday = max(commons) is Commonness.EVERYDAY_WORD if commons else key in self._lists.vocabulary
        self._put(part, _LEFT + re.escape(part) + _RIGHT, capitalized=everyday)

    def _email(self, text: str) -> None:
        self._put(lowered(text), _LEFT + re.escape(lowered(text)))
        local = lowered(text).partition("@")[0]
        if local in _ROLE_MAILBOXES:
            return
        untagged = local.partition("+")[0]
        for mailbox in (local, untagged):
            if len(mailbox) >= _SHORTEST_NAME:
                self._word(mailbox)
        for piece in re.split(r"[._+-]", local):
            bare = piece.strip("0123456789")
            if len(bare) >= _SHORTEST_WORD and bare.isalpha() and bare not in _ROLE_MAILBOXES:
                self._name_part(bare, bare)
        pieces = [piece for piece in re.split(r"[._]", untagged) if piece.isalpha()]
        if len(pieces) > 1 and pieces == re.split(r"[._]", untagged):
            self._put("".join(pieces), _LEFT + r"[\W_]{0,3}".join(map(re.escape, pieces)) + _RIGHT)

    def _word(self, text: str) -> None:
        """A user name or a mailbox: where it is a plain word as well, only with the `@` behind it."""
        key = lowered(text)
        plain = key.isalpha() and (
            key in self._lists.vocabulary
            or bool(self._lists.given.get(key))
            or bool(self._lists.surnames.get(key))
        )
        edge = r"(?=\s?@)" if plain else _RIGHT
        if len(key) >= _SHORTEST_NAME:
            self._put(key, _LEFT + re.escape(key) + edge)

    def _user_name(self, text: str) -> None:
        if " " in text:
            self._name(text)
        else:
            self._word(text.removeprefix("@"))

    def _phone(self, text: str) -> None:
        digits = "".join(char for char in text if char.isdecimal())
        if not _SHORTEST_PHONE <= len(digits) <= 20:
            return
        # People leave out the country's and the town's code: the last seven digits are enough to know it.
        tail = (
            digits[-max(_SHORTEST_PHONE, len(digits) - 5) :]
            if len(digits) > 11
            else digits[-_SHORTEST_PHONE:]
        )
        head = digits[: len(digits) - len(tail)]
        optional = "".join(f"(?:{digit}{_SEPARATORS})?" for digit in head)
        self._put(
            tail,
            rf"(?<!\d)(?:\+|00)?[(]?{optional}(?:\(?0\)?{_SEPARATORS})?" + _SEPARATORS.join(tail) + r"(?!\d)",
        )
        if len(tail) > _SHORTEST_PHONE:
            last = tail[-_SHORTEST_PHONE:]
            self._put(last, r"(?<!\d)" + _SEPARATORS.join(last) + r"(?!\d)")

    def _identifier(self, text: str) -> None:
        shortest = _SHORTEST_MIXED_ID if any(map(str.isdigit, text)) and not text.isdigit() else _SHORTEST_ID
        if len(_solid(text)) < shortest:
            return
        if text.isalpha() and lowered(text) in self._lists.vocabulary:
            return
        self._literal(text)
        pieces = re.findall(r"[^\W_]+", lowered(text))
        if len(pieces) > 1:  # `usr_88` is `usr-88` elsewhere
            gap = r"[\W_]?" if len("".join(pieces)) >= _SHORTEST_SOLID_ID else r"[\W_]"
            self._put("".join(pieces), _LEFT + gap.join(map(re.escape, pieces)) + _RIGHT)

    def _encoded(self, text: str) -> None:
        """Base64 in its three alignments, hexadecimal and backwards."""
        if len(text) < 2 * _SHORTEST_WORD:
            return
        for spelling in {text, lowered(text)}:
            data = spelling.encode("utf-8", "surrogatepass")
            for offset in range(3):
                coded = base64.b64encode(b"\0" * offset + data).decode("ascii")
                # Without the characters that depend on the neighbours.
                core = coded[(0, 2, 3)[offset] : len(coded.rstrip("=")) - (1 if coded.endswith("=") else 0)]
                if len(core) >= 10:
                    pattern = re.escape(core.lower()).replace(r"\+", "[+-]").replace("/", "[/_]")
                    self._put(core.lower(), r"[a-z0-9+/_-]{0,400}?" + pattern + r"[a-z0-9+/_-]*={0,2}")
            self._put(data.hex(), data.hex())
        backwards = lowered(text)[::-1]
        if backwards != lowered(text):
            self._put(backwards, _LEFT + re.escape(backwards) + _RIGHT)


def _unclassified(body: JsonValue) -> Iterator[tuple[str | int, _Kind]]:
    """Values that look like somebody's, by themselves or by their key, anywhere in an event."""
    budget = _MAX_VALUES
    stack: list[tuple[JsonValue, str, str, int]] = [(body, "", "", 0)]
    while stack and budget > 0:
        node, key, parent, depth = stack.pop()
        if isinstance(node, dict):
            if depth < _MAX_DEPTH:
                stack += [(value, child, key, depth + 1) for child, value in node.items()]
            continue
        if isinstance(node, list):
            if depth < _MAX_DEPTH:
                stack += [(item, key, parent, depth + 1) for item in node]
            continue
        found = _by_looks(node, key, parent)
        budget -= len(found)
        yield from found


def _by_looks(value: JsonValue, key: str, parent: str) -> tuple[tuple[str | int, _Kind], ...]:
    """The value, if it looks like somebody's, and whoever stands in it, where it is a URL."""
    if isinstance(value, str):
        short = len(value) + len(key) + len(parent) <= _LONGEST_CACHED_TEXT
        return (_text_by_looks if short else _text_by_looks.__wrapped__)(value, key, parent)
    if isinstance(value, bool) or not isinstance(value, int):
        return ()
    kind = _meaning_of(key, parent).number
    return () if kind is None else ((value, kind),)


# Most fields of an event say the same as in the session's last one: they would take 50 µs of its time.
@lru_cache(_CACHED_TEXTS)
def _text_by_looks(text: str, key: str, parent: str) -> tuple[tuple[str, _Kind], ...]:
    found = [(text, key, parent)]
    if _URL_MARKS.search(text):
        found += _in_url(text)
    kinds = ((value, _kind_by_looks(value, name, holder)) for value, name, holder in found)
    return tuple((value, kind) for value, kind in kinds if kind is not None)


def _in_url(value: str) -> Iterator[tuple[str, str, str]]:
    """Who stands in a URL may stand in a text: its addresses, and its parameters as (value, name, holder)."""
    if len(value) > _LONGEST_URL or any(char.isspace() for char in value):
        return
    plain = _unquoted(value)
    yield from ((match[0], "", "") for match in islice(_MAILBOX.finditer(plain), _MAX_PARAMETERS))
    address, _, fragment = value.partition("#")
    query = address.partition("?")[2] or ("" if "/" in address.partition("=")[0] else address)
    for part in (query, fragment.rpartition("?")[2]):
        if "=" in part:
            for name, each in parse_qsl(part, max_num_fields=None)[:_MAX_PARAMETERS]:
                written = _unquoted(each)
                yield written, name, "person" if _FULL_NAME.fullmatch(written) else ""


def _unquoted(text: str) -> str:
    for _ in range(_MAX_ENCODINGS):
        plain = unquote(text)
        if plain == text:
            break
        text = plain
    return text


def _kind_by_looks(value: str, key: str, parent: str) -> _Kind | None:
    if len(value) > _LONGEST or not value:
        return None
    if "@" in value and _EMAIL.fullmatch(value.strip()):
        return _Kind.OTHER
    if _PHONE.fullmatch(value.strip()):
        return _Kind.PHONE
    meaning = _meaning_of(key, parent)
    if meaning.full_name is not meaning.text and _FULL_NAME.fullmatch(value.strip()):
        return meaning.full_name
    return meaning.text


class _Meaning(NamedTuple):
    """What stands under a key: an integer, a text with the look of a full name, and any other text."""

    number: _Kind | None = None
    full_name: _Kind | None = None
    text: _Kind | None = None


def _meaning_of(key: str, parent: str) -> _Meaning:
    short = len(key) + len(parent) <= _LONGEST_CACHED_KEY
    return (_meaning if short else _meaning.__wrapped__)(key, parent)


# Keys are few and the same in all events: looked at each time, they would take 60 µs of an event's time.
@lru_cache(_CACHED_KEYS)
def _meaning(key: str, parent: str) -> _Meaning:
    plain = "".join(piece.lower() for piece in _KEY_PIECE.findall(key))
    if plain in _PHONE_KEYS or plain.endswith("phone"):
        return _Meaning(_Kind.PHONE, _Kind.PHONE, _Kind.PHONE)
    if plain in _ID_KEYS:
        return _Meaning(_Kind.OTHER, _Kind.OTHER, _Kind.OTHER)
    if plain in _NAME_KEYS or (
        plain == "name" and {piece.lower() for piece in _KEY_PIECE.findall(parent)} & _PERSON_WORDS
    ):
        return _Meaning(None, _Kind.NAME, _Kind.NAME)
    text = _Kind.PERSON if plain in _USER_NAME_KEYS else None
    return _Meaning(None, _Kind.NAME if plain in _PERSON_KEYS else text, text)
