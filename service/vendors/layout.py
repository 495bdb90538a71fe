"""A payload with places for values in place of the values: what a vendor's form makes, once for many events.

Where a field goes depends on which fields there are and a little on what they are (their nature), hardly ever
on their values. So a form is asked for a layout only where these are new; all other events of the kind are
rendered from it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum, auto
from functools import cache
from typing import Final, NamedTuple, TypeAlias

from service.events.json_value import JsonValue
from service.events.timestamps import format_timestamp, parse_timestamp
from service.pseudonyms.encodings import Encoding

#: The shortest limits of a vendor for a string, in characters: GA4's for user properties and parameters.
SHORT: Final = 36
MEDIUM: Final = 100
#: The longest list sent to any vendor; Mixpanel's limit, and more than any other needs.
MAX_ITEMS: Final = 255
#: Seconds since the epoch from which on Mixpanel takes events.
YEAR_1971: Final = 31_536_000


class Nature(IntEnum):
    """What of a value bears on its place in a payload."""

    EMPTY = 0  # a string without characters
    SHORT_TEXT = auto()  # no vendor cuts it
    MEDIUM_TEXT = auto()  # cut as a user property of GA4 only
    LONG_TEXT = auto()
    NUMBER = auto()
    SWITCH = auto()
    SHORT_LIST = auto()  # of what no vendor cuts
    LONG_LIST = auto()
    TIME = auto()  # when the event happened
    TIME_IN_1970 = auto()
    TIME_BEFORE_1970 = auto()
    NO_VALUE = auto()  # an object in an object, which no action makes


TIMES: Final = frozenset({Nature.TIME, Nature.TIME_IN_1970, Nature.TIME_BEFORE_1970})
TEXTS: Final = TIMES | {Nature.SHORT_TEXT, Nature.MEDIUM_TEXT, Nature.LONG_TEXT}
_NEVER_CUT: Final = TEXTS - {Nature.MEDIUM_TEXT, Nature.LONG_TEXT} | {Nature.EMPTY, Nature.NUMBER}


def nature_of(value: JsonValue) -> Nature:
    """The nature of a value that is not the event's time."""
    if isinstance(value, str):
        if len(value) > SHORT:
            return Nature.MEDIUM_TEXT if len(value) <= MEDIUM else Nature.LONG_TEXT
        return Nature.SHORT_TEXT if value else Nature.EMPTY
    if isinstance(value, bool):
        return Nature.SWITCH
    if isinstance(value, int | float):
        return Nature.NUMBER
    if isinstance(value, list):
        cut = len(value) > MAX_ITEMS or any(isinstance(item, str) and len(item) > MEDIUM for item in value)
        return Nature.LONG_LIST if cut else Nature.SHORT_LIST
    return Nature.NO_VALUE


def nature_of_time(value: JsonValue) -> Nature:
    """The nature of what a vendor may know of the time at which the event happened."""
    try:
        seconds = parse_timestamp(value) if isinstance(value, str) else None
    except ValueError:
        seconds = None
    return nature_of(value) if seconds is None else time_nature(seconds)


def time_nature(seconds: int) -> Nature:
    """The nature of a time, in seconds since the epoch."""
    if seconds < 0:
        return Nature.TIME_BEFORE_1970
    return Nature.TIME if seconds >= YEAR_1971 else Nature.TIME_IN_1970


@dataclass(frozen=True, slots=True, eq=False)
class Leaf:
    """One value of a sanitized event.

    Attributes:
        field: The field's dotted path in the tracking plan.
        member: The value's name in the object that the field's action made; None where it made no object.
        nature: What the value is.
        closed: Whether its strings are Weir's own (pseudonyms, words of a list): the gate leaves them alone.
        encoding: The form of the pseudonym that it is; None where it is none.
    """

    field: str
    member: str | None
    nature: Nature
    closed: bool
    encoding: Encoding | None

    @property
    def path(self) -> str:
        """Where it stands in the sanitized event."""
        return self.field if self.member is None else f"{self.field}.{self.member}"


@dataclass(frozen=True, slots=True, eq=False)
class Conversion:
    """How a vendor wants a value.

    Attributes:
        name: For those who read a compiled policy.
        apply: The value as the vendor gets it.
        untouched: The natures of which it leaves every value as it is.
    """

    name: str
    apply: Callable[[JsonValue], JsonValue]
    untouched: frozenset[Nature] = frozenset()


@cache
def cut_to(length: int) -> Conversion:
    """Strings of so many characters (code points) at most, and lists of MAX_ITEMS; at least MEDIUM."""
    assert length >= MEDIUM
    untouched = frozenset(Nature) - {Nature.LONG_TEXT, Nature.LONG_LIST, Nature.NO_VALUE}
    return Conversion(f"cut at {length}", lambda value: cut(value, length), untouched)


def cut(value: JsonValue, length: int) -> JsonValue:
    """The value with every string cut to a number of characters (code points) and lists to MAX_ITEMS."""
    if isinstance(value, str):
        return value[:length]
    if isinstance(value, list):
        return [cut(item, length) for item in value[:MAX_ITEMS]]
    return value


@cache
def text_or_number(length: int) -> Conversion:
    """Switches as words, lists joined with commas, and strings of so many characters: SHORT or MEDIUM."""
    assert length in {SHORT, MEDIUM}
    untouched = _NEVER_CUT | ({Nature.MEDIUM_TEXT} if length == MEDIUM else frozenset())
    return Conversion(f"text or number, cut at {length}", lambda value: _simple(value, length), untouched)


def _simple(value: JsonValue, length: int) -> JsonValue:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        value = ",".join(str(_simple(item, length)) for item in value)
    return value[:length] if isinstance(value, str) else value


def _time(factor: int) -> Callable[[JsonValue], JsonValue]:
    return lambda value: parse_timestamp(str(value)) * factor


AS_IT_IS: Final = Conversion("as it is", lambda value: value, frozenset(Nature))
SECONDS: Final = Conversion("seconds", _time(1))
MILLISECONDS: Final = Conversion("milliseconds", _time(1000))
MICROSECONDS: Final = Conversion("microseconds", _time(1_000_000))
DATE_TIME: Final = Conversion("date-time in UTC", lambda value: format_timestamp(parse_timestamp(str(value))))


class Slot(NamedTuple):
    """A place for a value.

    Attributes:
        leaf: The value's position among the leaves that the form was given.
        conversion: How it is to be written.
        closed: Whether the gate leaves it alone.
    """

    leaf: int
    conversion: Conversion
    closed: bool


Node: TypeAlias = "dict[str, Node] | list[Node] | Slot | str | int | bool"
Tree: TypeAlias = dict[str, Node]

#: Whether two of a layout's values are equal, and of one type.
Same: TypeAlias = Callable[[Node, Slot], bool]


class Layout(NamedTuple):
    """A payload with slots.

    Attributes:
        payload: The payload.
        key: The leaf that is the record key: the pseudonymous user or else device id.
    """

    payload: Tree
    key: int
