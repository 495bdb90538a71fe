"""The event's own identity values: whoever the event is about must not show in its texts either.

Values come again: a person's with each event of a session. So what can be worked out of a value alone (its
forms) or of a value and a text that comes again (that it does not stand there) is remembered with the value.
"""

import base64
import re
from collections.abc import Callable, Iterable, Iterator
from enum import IntEnum, auto
from functools import cache, cached_property, lru_cache, partial
from itertools import chain, islice
from typing import Final, NamedTuple, TypeAlias
from urllib.parse import unquote

from service.detection.lexicon import Commonness, lexicon
from service.detection.reading import Reading, fold, lowered, unescape
from service.detection.spans import Span, merge
from service.detection.word_lists import word_list
from service.detection.words import PARTICLES, split_words
from service.events.json_value import JsonValue
from service.policy.entities import Entity
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
_SHORTEST_ENCODED: Final = 8
_UNSURE: Final = 4  # characters of a value's base64 that depend on the neighbours, at most
_SHORTEST_CORE: Final = 10  # of base64, without what depends on the neighbours
#: Longer texts are no identity values; they are texts.
_LONGEST: Final = 320
#: Characters of a value that are enough to see that it is too long.
LONGEST_WRITTEN: Final = _LONGEST + 1
_LONGEST_URL: Final = 4_000
_MAX_PARAMETERS: Final = 50
#: The caches' bounds: values with all their forms, some 3 kB each, and keys, longer ones not kept.
_CACHED_VALUES: Final = 4_096
_CACHED_KEYS: Final = 4_096
_LONGEST_CACHED_KEY: Final = 64
_CACHED_TEXTS: Final = 4_096
_LONGEST_CACHED_TEXT: Final = 256
#: Texts in which a value is known not to stand: how many of them, and of how many characters, are remembered.
_CLEAN_TEXTS: Final = 16
_LONGEST_CLEAN: Final = 256

_DIGIT: Final = re.compile("[0-9]")
_BASE64_RUN: Final = re.compile("[a-z0-9+/_-]+")
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


class Kind(IntEnum):
    """What an identity value is, which decides the forms it may take."""

    NAME = auto()
    PHONE = auto()
    PERSON = auto()  # a user name, and whatever else a person goes by
    OTHER = auto()


class _Form(NamedTuple):
    """One form in which a value may stand in a text.

    Attributes:
        probe: Its letters and digits in a row: a text whose letters and digits lack it is not searched.
        pattern: The form, as a regular expression for folded and lower-cased text; made where it is needed,
            as most values stand in no text at all.
        capitalized: It is a word as well (`will`): it counts with a capital, inside a sentence.
    """

    probe: str
    pattern: Callable[[], str]
    capitalized: bool = False


class Probed:
    """What `KnownValues.may_stand_in` looks at of some texts; false where no value would fit into them.

    Attributes:
        solid: Their letters and digits in a row, as they stand and with their escapes undone.
        has_digits: Whether there are digits among them.
        longest_run: Of the characters that base64 is written in.
    """

    __slots__ = ("has_digits", "longest_run", "solid")

    def __init__(self, solid: str, *, has_digits: bool, longest_run: int) -> None:
        self.solid = solid
        self.has_digits = has_digits
        self.longest_run = longest_run

    def __bool__(self) -> bool:
        return bool(self.solid)

    def holds(self, other: "Probed") -> bool:
        """Whether what may stand in the other's texts may stand in these."""
        return other.solid in self.solid and other.longest_run <= self.longest_run


#: A value as it is written, and what it is.
Identity: TypeAlias = tuple[str, Kind]


class _KnownValue:
    """One identity value.

    Attributes:
        clean: Probed texts, of those that come again, in which it does not stand.
    """

    __slots__ = ("_base64", "_has_digits", "_kind", "_probes", "_written", "clean")

    def __init__(self, written: str, kind: Kind) -> None:
        self._written = written
        self._kind = kind
        self._probes: tuple[str, ...] | None = None
        self._base64: tuple[str, ...] | None = None
        #: All forms of such an identifier but base64 have digits: its own, or those of its letters' bytes.
        self._has_digits = (
            kind is Kind.OTHER
            and written.isascii()
            and written.isprintable()
            and _DIGIT.search(written) is not None
            and " " not in written
            and "@" not in written
            and _PHONE.fullmatch(written) is None
        )
        self.clean: set[Probed] = set()

    @property
    def forms(self) -> tuple[_Form, ...]:
        """The forms in which it may stand in a text; hardly ever needed, and large."""
        return _forms(self._written, self._kind)

    def may_stand_in(self, text: Probed) -> bool:
        for probe in self._probes_for(text):
            if probe in text.solid:
                return True
        if len(text.solid) <= _LONGEST_CLEAN:
            if len(self.clean) == _CLEAN_TEXTS:
                self.clean.clear()
            self.clean.add(text)
        return False

    def _probes_for(self, text: Probed) -> tuple[str, ...]:
        """What of it may stand in a text. Most texts, such as a page's path, are words without digits."""
        if self._has_digits and not text.has_digits:
            if len(self._written) * 4 // 3 - _UNSURE > text.longest_run:
                return ()  # in base64 it would be longer than anything there
            if self._base64 is None:
                cores = _base64_cores(_plain(self._written))
                self._base64 = tuple({_solid_base64(core) for core in cores})
            return self._base64
        if self._probes is None:
            self._probes = tuple({form.probe for form in self.forms})
        return self._probes


class KnownValues:
    """A matcher for one event's identity values, in the forms they may take in a text."""

    def __init__(self, identities: Iterable[Identity] = ()) -> None:
        """Without values nothing is known and nothing found."""
        self._identities = tuple(identities)

    def __repr__(self) -> str:
        """Shows no value."""
        return "<KnownValues>"

    @cached_property
    def _values(self) -> list[_KnownValue]:
        # Not before they are asked for: many an event has no string that they could stand in.
        return [_known(written, kind) for written, kind in self._identities]

    def spans(self, text: str) -> tuple[Span, ...]:
        """Where the values stand in a text: in order, not overlapping, in code points of the text."""
        if not self._identities:
            return ()
        folded = fold(text)
        found = list(self._in(folded))
        unescaped = unescape(folded)
        if unescaped is not None:
            found += self._in(unescaped)
        return merge(found) if found else ()

    def may_stand_in(self, texts: Iterable[Probed]) -> bool:
        """Whether `spans` needs to be asked of texts, as `probed` gives them: errs on the safe side only."""
        for text in texts:
            for value in self._values:
                # Asked here and not in a method of the value: twenty times for each event.
                if text not in value.clean and value.may_stand_in(text):
                    return True
        return False

    def _in(self, reading: Reading) -> Iterator[Span]:
        low = lowered(reading.text)
        solid = _solid(low)
        for form in chain.from_iterable(value.forms for value in self._values):
            if form.probe not in solid:
                continue
            for match in re.finditer(form.pattern(), low):
                if form.capitalized:
                    before = reading.text[: match.start()].rstrip()
                    if not reading.text[match.start()].isupper() or not before or before[-1] in ".!?\n":
                        continue
                yield Span(*reading.origin(*match.span()), Entity.IDENTITY, 1.0, _RECOGNIZER)


def _solid(low: str) -> str:
    return _NOT_SOLID.sub("", low)


def probed(texts: Iterable[str]) -> Probed:
    """What has to be looked at of some texts."""
    each = [_probed(text) for text in texts]
    return Probed(
        " ".join(one.solid for one in each if one),
        has_digits=any(one.has_digits for one in each),
        longest_run=max((one.longest_run for one in each), default=0),
    )


@text_cache(entries=_CACHED_TEXTS, longest=_LONGEST_CACHED_TEXT)
def _probed(text: str) -> Probed:
    folded = fold(text)
    unescaped = unescape(folded)
    low = [lowered(reading.text) for reading in (folded, unescaped) if reading is not None]
    rows = [row for row, each in zip(map(_solid, low), low, strict=True) if not _few_digits_apart(row, each)]
    runs = [len(run) for each in low for run in _BASE64_RUN.findall(each)]
    solid = " ".join(filter(None, rows))
    return Probed(solid, has_digits=_DIGIT.search(solid) is not None, longest_run=max(runs, default=0))


def _few_digits_apart(solid: str, text: str) -> bool:
    """Whether the letters and digits of a text are but a few digits that don't stand together."""
    return len(solid) < _SHORTEST_ID and solid.isdigit() and solid not in text


def identity(value: JsonValue, kind: Kind) -> Identity | None:
    """What a value of a field may be found by; None where it can't name anybody."""
    written = _written(value)
    return (written, kind) if written else None


def _written(value: JsonValue) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return ""
    written = str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
    return written[:LONGEST_WRITTEN]


@cache
def kind_of(data_class: str) -> Kind:
    """What the values of an identity class are."""
    if data_class.startswith("person.name"):
        return Kind.NAME
    if data_class.startswith("contact.phone"):
        return Kind.PHONE
    return Kind.PERSON if data_class.startswith("person.") else Kind.OTHER


# A person's values come again with each event of a session; their forms take 100 µs of an event's time.
@lru_cache(_CACHED_VALUES)
def _known(written: str, kind: Kind) -> _KnownValue:
    return _KnownValue(written, kind)


def _forms(written: str, kind: Kind) -> tuple[_Form, ...]:
    """The forms of one value."""
    text = _plain(written)
    return tuple(_Forms(text, kind).found) if text else ()


def _plain(written: str) -> str:
    """A value without what hides and superfluous spaces; empty where it is none after all."""
    text = " ".join(fold(written).text.split())
    return text if len(text) <= _LONGEST else ""


class _Forms:
    """Collects the forms of a value, as regular expressions."""

    def __init__(self, text: str, kind: Kind) -> None:
        self.found: list[_Form] = []
        self._lists = lexicon()
        if kind is Kind.NAME:
            self._name(text)
        elif kind is Kind.PHONE:
            self._phone(text)
        elif "@" in text and _EMAIL.fullmatch(text):
            self._email(text)
        elif kind is Kind.PERSON:
            self._user_name(text)
        elif _PHONE.fullmatch(text):
            self._phone(text)
        else:
            self._identifier(text)
        self._encoded(text)

    def _put(self, probe: str, pattern: Callable[[], str], *, capitalized: bool = False) -> None:
        solid = _solid(probe)
        # A few digits with signs between them (`4.7.2`, `1-12`) tell nobody apart.
        if solid and not _few_digits_apart(solid, probe):
            self.found.append(_Form(solid, pattern, capitalized))

    def _literal(self, text: str) -> None:
        words = lowered(text).split()
        gap = r"[\W_]{0,3}" if len(text) > _SHORTEST_LOOSE else r"[\W_]{1,3}"
        self._put(lowered(text), lambda: _LEFT + gap.join(map(re.escape, words)) + _RIGHT)

    def _name(self, text: str) -> None:
        words = split_words(text)
        if len(words) > 1:
            self._literal(text)
            keys = [lowered(text[word.start : word.end]) for word in words]
            keys.reverse()
            self._put("".join(keys), lambda: _LEFT + r"[\W_]{0,3}".join(map(re.escape, keys)) + _RIGHT)
        for word in words:
            self._name_part(lowered(text[word.start : word.end]), word.key)

    def _name_part(self, part: str, key: str) -> None:
        if len(part) < (_SHORTEST_NAME if part.isascii() else 2) or key in PARTICLES:
            return
        commons = [lists[key] for lists in (self._lists.given, self._lists.surnames) if key in lists]
        everyday = max(commons) is Commonness.EVERYDAY_WORD if commons else key in self._lists.vocabulary
        self._put(part, lambda: _LEFT + re.escape(part) + _RIGHT, capitalized=everyday)

    def _email(self, text: str) -> None:
        self._put(lowered(text), lambda: _LEFT + re.escape(lowered(text)))
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
            self._put("".join(pieces), lambda: _LEFT + r"[\W_]{0,3}".join(map(re.escape, pieces)) + _RIGHT)

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
            self._put(key, lambda: _LEFT + re.escape(key) + edge)

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
            lambda: (
                rf"(?<!\d)(?:\+|00)?[(]?{optional}(?:\(?0\)?{_SEPARATORS})?"
                + _SEPARATORS.join(tail)
                + r"(?!\d)"
            ),
        )
        if len(tail) > _SHORTEST_PHONE:
            last = tail[-_SHORTEST_PHONE:]
            self._put(last, lambda: r"(?<!\d)" + _SEPARATORS.join(last) + r"(?!\d)")

    def _identifier(self, text: str) -> None:
        solid = _solid(text)
        mixed = any(map(str.isdigit, solid)) and not solid.isdigit()
        if len(solid) < (_SHORTEST_MIXED_ID if mixed else _SHORTEST_ID):
            return
        if text.isalpha() and lowered(text) in self._lists.vocabulary:
            return
        self._literal(text)
        pieces = re.findall(r"[^\W_]+", lowered(text))
        if len(pieces) > 1:  # `usr_88` is `usr-88` elsewhere
            gap = r"[\W_]?" if len("".join(pieces)) >= _SHORTEST_SOLID_ID else r"[\W_]"
            self._put("".join(pieces), lambda: _LEFT + gap.join(map(re.escape, pieces)) + _RIGHT)

    def _encoded(self, text: str) -> None:
        """Base64 in its three alignments, hexadecimal and backwards."""
        if len(text) < _SHORTEST_ENCODED:
            return
        for core in _base64_cores(text):
            self.found.append(_Form(_solid_base64(core), partial(_in_base64, core)))
        for spelling in {text, lowered(text)}:
            in_hex = spelling.encode("utf-8", "surrogatepass").hex()
            self.found.append(_Form(in_hex, partial(str, in_hex)))
        backwards = lowered(text)[::-1]
        if backwards != lowered(text):
            self._put(backwards, lambda: _LEFT + re.escape(backwards) + _RIGHT)


def _base64_cores(text: str) -> Iterator[str]:
    """A value in base64, in small letters, in its three alignments; only what its neighbours don't change."""
    if len(text) < _SHORTEST_ENCODED:
        return
    for spelling in {text, lowered(text)}:
        data = spelling.encode("utf-8", "surrogatepass")
        for offset in range(3):
            coded = base64.b64encode(b"\0" * offset + data).decode("ascii")
            core = coded[(0, 2, 3)[offset] : len(coded.rstrip("=")) - (1 if coded.endswith("=") else 0)]
            if len(core) >= _SHORTEST_CORE:
                yield core.lower()


def _solid_base64(core: str) -> str:
    return core.replace("+", "").replace("/", "")


def _in_base64(core: str) -> str:
    pattern = re.escape(core).replace(r"\+", "[+-]").replace("/", "[/_]")
    return r"[a-z0-9+/_-]{0,400}?" + pattern + r"[a-z0-9+/_-]*={0,2}"


def may_be_somebodys(value: str) -> bool:
    """Whether `by_looks` may find somebody in a string whatever key it stands under."""
    # Plain searches: an expression for all of them takes five times as long.
    return (
        "@" in value
        or "=" in value
        or "+" in value
        or "%40" in value
        or value.startswith(("00", "tel:"))
        or value[:1].isspace()
    )


def by_looks(value: JsonValue, key: str, parent: str) -> tuple[Identity, ...]:
    """The value, if it looks like somebody's by itself or by its key, and whoever stands in it as a URL.

    For values that no tracking plan classifies, and for classified ones as well.
    """
    if isinstance(value, str):
        short = len(value) + len(key) + len(parent) <= _LONGEST_CACHED_TEXT
        return (_text_by_looks if short else _text_by_looks.__wrapped__)(value, key, parent)
    if isinstance(value, bool) or not isinstance(value, int):
        return ()
    kind = meaning_of(key, parent).number
    return () if kind is None else ((str(value), kind),)


# Most fields of an event say the same as in the session's last one: they would take 50 µs of its time.
@lru_cache(_CACHED_TEXTS)
def _text_by_looks(text: str, key: str, parent: str) -> tuple[tuple[str, Kind], ...]:
    found = [(text, key, parent)]
    if _URL_MARKS.search(text):
        found += _in_url(text)
    kinds = ((value, _kind_by_looks(value, name, holder)) for value, name, holder in found)
    return tuple((value, kind) for value, kind in kinds if kind is not None)


def _in_url(value: str) -> Iterator[tuple[str, str, str]]:
    """Who stands in a URL may stand in a text: its addresses, and its parameters as (value, name, holder)."""
    if len(value) > _LONGEST_URL or value.split() != [value]:
        return
    plain = _unquoted(value)
    if "@" in plain:
        yield from ((match[0], "", "") for match in islice(_MAILBOX.finditer(plain), _MAX_PARAMETERS))
    address, _, fragment = value.partition("#")
    query = address.partition("?")[2] or ("" if "/" in address.partition("=")[0] else address)
    for part in (query, fragment.rpartition("?")[2]):
        if "=" in part:
            for parameter in part.split("&", _MAX_PARAMETERS)[:_MAX_PARAMETERS]:
                name, _, each = parameter.partition("=")
                if each:
                    written = _unquoted(each.replace("+", " "))
                    holder = "person" if " " in written and _FULL_NAME.fullmatch(written) else ""
                    yield written, unquote(name.replace("+", " ")), holder


def _unquoted(text: str) -> str:
    for _ in range(_MAX_ENCODINGS):
        plain = unquote(text)
        if plain == text:
            break
        text = plain
    return text


def _kind_by_looks(value: str, key: str, parent: str) -> Kind | None:
    if len(value) > _LONGEST or not value:
        return None
    if "@" in value and _EMAIL.fullmatch(value.strip()):
        return Kind.OTHER
    if _PHONE.fullmatch(value.strip()):
        return Kind.PHONE
    meaning = meaning_of(key, parent)
    if meaning.full_name is not meaning.text and _FULL_NAME.fullmatch(value.strip()):
        return meaning.full_name
    return meaning.text


class Meaning(NamedTuple):
    """What stands under a key: an integer, a text with the look of a full name, and any other text."""

    number: Kind | None = None
    full_name: Kind | None = None
    text: Kind | None = None


def meaning_of(key: str, parent: str) -> Meaning:
    """What stands under a key of an object that stands under another one."""
    short = len(key) + len(parent) <= _LONGEST_CACHED_KEY
    return (_meaning if short else _meaning.__wrapped__)(key, parent)


# Keys are few and the same in all events: looked at each time, they would take 60 µs of an event's time.
@lru_cache(_CACHED_KEYS)
def _meaning(key: str, parent: str) -> Meaning:
    plain = "".join(piece.lower() for piece in _KEY_PIECE.findall(key))
    if plain in _PHONE_KEYS or plain.endswith("phone"):
        return Meaning(Kind.PHONE, Kind.PHONE, Kind.PHONE)
    if plain in _ID_KEYS:
        return Meaning(Kind.OTHER, Kind.OTHER, Kind.OTHER)
    if plain in _NAME_KEYS or (
        plain == "name" and {piece.lower() for piece in _KEY_PIECE.findall(parent)} & _PERSON_WORDS
    ):
        return Meaning(None, Kind.NAME, Kind.NAME)
    text = Kind.PERSON if plain in _USER_NAME_KEYS else None
    return Meaning(None, Kind.NAME if plain in _PERSON_KEYS else text, text)
