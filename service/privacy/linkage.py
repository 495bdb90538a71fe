"""Whether the data of two vendors can be joined: which users an intruder who holds both would link.

The intruder knows within each vendor's data which records are of one user (that is what a pseudonym is for),
and no key. He joins the records of two vendors on what both have, and gives each user of the one the user of
the other with whom most is shared, what is rare counting more: the scoring of Narayanan and Shmatikov
("Robust de-anonymization of large sparse datasets", IEEE S&P 2008) on exact keys, as cosine similarity.

What is measured is a share of users. Nothing of an event is in a result: names of fields, counts and shares.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import combinations, pairwise
from math import log, sqrt
from typing import Final, NamedTuple, TypeAlias

import orjson

from service.policy.vendor_names import VendorName
from service.privacy.anonymity import Anonymity, Profiles, Unicity, unicity
from service.privacy.sightings import Sighting, leaves_of, read

#: Units that a time may be cut to, in seconds.
UNITS: Final = {"second": 1, "minute": 60, "hour": 3_600, "day": 86_400}
#: What two events of a session are apart at most, in seconds.
_SESSION: Final = 1_800
#: Events in a row whose names, or the times between which, are compared.
_NAMES_IN_A_ROW: Final = 5
_GAPS_IN_A_ROW: Final = 3
#: Pairs of users that are scored for each record. Keys that many users have say little and cost most: the
#: rarest go first, so that time grows with the records, not with their square.
_PAIRS_PER_RECORD: Final = 25
#: The share of a field's records in the one data whose value must occur in the other for a join on it.
_COMMON: Final = 0.5
#: A word with the look of an id: letters and at least two digits, or many digits, or a UUID.
_ID: Final = re.compile(
    r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
    r"|(?=[A-Za-z0-9]*[A-Za-z])(?=(?:[A-Za-z]*[0-9]){2})[A-Za-z0-9]{8,}"
    r"|[0-9]{9,}"
)


class Join(StrEnum):
    """What records of two vendors are joined on."""

    TIME = "time"
    NAME_AND_TIME = "event name and time"
    ALL_BUT_TIME = "all fields but time"
    ALL = "all fields and time"
    NAMES = "event names in a row"
    GAPS = "times between events"
    DAYS = "event names of a day"
    PERSON = "fields that stay the same"
    TOGETHER = "all of these"


class Record(NamedTuple):
    """A record of a vendor's topic, and whose it is.

    Attributes:
        vendor: The vendor.
        payload: The record's value.
        user: The raw user behind it, in any form that tells users apart; it is compared, never shown.
    """

    vendor: VendorName
    payload: bytes
    user: str


@dataclass(frozen=True, slots=True)
class JoinFigures:
    """How far a join goes; shares from 0 to 1.

    Attributes:
        join: What is joined on.
        right: The share of users linked to themselves.
        wrong: The share of users linked to somebody else.
        undecided: The share of users with no candidate, or with several that score the same.
        keys_right: Of what is joined on, the share that a single user of the other data has, the right one.
        keys_wrong: The same of a wrong one.
    """

    join: Join
    right: float
    wrong: float
    undecided: float
    keys_right: float
    keys_wrong: float


@dataclass(frozen=True, slots=True)
class SharedIds:
    """Values with the look of an id that stand in both vendors' data; none of them is here."""

    left: str
    right: str
    values: int
    users: int


@dataclass(frozen=True, slots=True)
class PairFigures:
    """Two vendors' data.

    Attributes:
        left: The vendor whose users are linked.
        right: The one whose users they are linked to.
        users: How many users the left one has.
        chance: The share of users that a guess would link right: one of the users of the right one.
        unit: The seconds to which times are comparable, the coarser of the two vendors' units.
        fields: The fields both have with values in common.
        joins: How far each join goes.
        shared_ids: Ids that stand in both.
    """

    left: VendorName
    right: VendorName
    users: int
    chance: float
    unit: int
    fields: tuple[str, ...]
    joins: tuple[JoinFigures, ...]
    shared_ids: tuple[SharedIds, ...]

    def of(self, join: Join) -> JoinFigures:
        """The figures of a join."""
        return next(figures for figures in self.joins if figures.join is join)


@dataclass(frozen=True, slots=True)
class VendorFigures:
    """One vendor's data.

    Attributes:
        vendor: The vendor.
        records: How many records.
        users: How many users.
        unit: The coarsest unit that all its times are whole numbers of, in seconds.
        anonymity: How many users share what stays the same about them, for combinations of fields.
        unicity: How many users a few known events single out, by the unit to which the times are known.
    """

    vendor: VendorName
    records: int
    users: int
    unit: int
    anonymity: tuple[Anonymity, ...]
    unicity: tuple[Unicity, ...]


@dataclass(frozen=True, slots=True)
class Linkage:
    """What was measured; what there is of two vendors is in the pairs, each pair once."""

    vendors: tuple[VendorFigures, ...]
    pairs: tuple[PairFigures, ...]

    def as_json(self) -> bytes:
        """The figures as JSON."""
        return orjson.dumps(self)


#: A user's sightings, in the order of their times; of equal times in the order of the records.
_Histories: TypeAlias = dict[int, list[Sighting]]
#: Who has each key. Of a key that a user has twice, the second is a key of its own.
_Holders: TypeAlias = dict[int, list[int]]


def measure(records: Iterable[Record]) -> Linkage:
    """Measure what two or more vendors' records give away together, and each alone.

    Time and memory grow with the number of records, docs/privacy.md has figures.
    """
    numbers: dict[str, int] = {}
    data: dict[VendorName, _Data] = {}
    for record in records:
        user = numbers.setdefault(record.user, len(numbers))
        data.setdefault(record.vendor, _Data()).add(user, record)
    ordered = {vendor: data[vendor] for vendor in VendorName if vendor in data}
    for each in ordered.values():
        each.sort()
    return Linkage(
        tuple(_alone(vendor, each) for vendor, each in ordered.items()),
        tuple(
            _together(left, right, ordered[left], ordered[right]) for left, right in combinations(ordered, 2)
        ),
    )


class _Data:
    """One vendor's data, as read.

    Attributes:
        histories: What is known of each user.
        values: For each field, how many records have each value.
        names: The events' names.
        ids: Values with the look of an id, with the path where each stood last and the user.
        profiles: What stays the same about each user, once all records are there.
    """

    def __init__(self) -> None:
        self.histories: _Histories = defaultdict(list)
        self.values: dict[str, Counter[str]] = defaultdict(Counter)
        self.names: set[str] = set()
        self.ids: dict[int, tuple[str, int]] = {}
        self._texts: dict[str, str] = {}

    def add(self, user: int, record: Record) -> None:
        sighting = read(record.vendor, record.payload)
        # One object for each value there is: most come again.
        fields = {name: self._texts.setdefault(value, value) for name, value in sighting.fields.items()}
        self.histories[user].append(sighting._replace(fields=fields))
        self.names.add(sighting.event)
        for name, value in fields.items():
            self.values[name][value] += 1
        for path, leaf in leaves_of(orjson.loads(record.payload)):
            for item in leaf if isinstance(leaf, list) else [leaf]:
                if isinstance(item, str):
                    self.ids.update({hash(found): (path, user) for found in _ID.findall(item)})

    def sort(self) -> None:
        for history in self.histories.values():
            history.sort(key=lambda sighting: sighting.second)
        self.profiles = Profiles(
            [sighting.fields for sighting in history] for history in self.histories.values()
        )

    def points(self, unit: int) -> list[list[tuple[str, int]]]:
        """Each user's events, the times in whole units."""
        return [
            [(sighting.event, sighting.second // unit) for sighting in history]
            for history in self.histories.values()
        ]

    @property
    def unit(self) -> int:
        """The coarsest unit that all times are whole numbers of."""
        units = [
            unit
            for unit in UNITS.values()
            if all(sighting.second % unit == 0 for each in self.histories.values() for sighting in each)
        ]
        return max(units)


def _alone(vendor: VendorName, data: _Data) -> VendorFigures:
    histories = list(data.histories.values())
    return VendorFigures(
        vendor,
        sum(map(len, histories)),
        len(histories),
        data.unit,
        data.profiles.anonymity(),
        tuple(unicity(data.points(unit), unit) for unit in UNITS.values() if unit >= data.unit),
    )


def _together(left: VendorName, right: VendorName, one: _Data, other: _Data) -> PairFigures:
    fields = _common_fields(one, other)
    unit = max(one.unit, other.unit)
    steady = one.profiles.steady & other.profiles.steady
    telling = [name for name in fields if name in steady]
    keys = _Keys(frozenset(one.names & other.names), fields, telling, unit)
    most = _PAIRS_PER_RECORD * sum(map(len, one.histories.values()))
    ours = {join: _holders(one.histories, make) for join, make in keys.by_join().items()}
    theirs = {join: _holders(other.histories, make) for join, make in keys.by_join().items()}
    ours[Join.TOGETHER] = {key: users for holders in ours.values() for key, users in holders.items()}
    theirs[Join.TOGETHER] = {key: users for holders in theirs.values() for key, users in holders.items()}
    users = len(one.histories)
    return PairFigures(
        left,
        right,
        users,
        1 / len(other.histories),
        unit,
        fields,
        tuple(
            _link(join, ours[join], theirs[join], users=(users, len(other.histories)), most=most)
            for join in Join
        ),
        _shared_ids(one, other),
    )


def _common_fields(one: _Data, other: _Data) -> tuple[str, ...]:
    """The fields of both on whose values a join is worth while: most of them occur in the other data too."""

    def overlaps(values: Counter[str], others: Counter[str]) -> bool:
        found = sum(count for value, count in values.items() if value in others)
        return found >= _COMMON * values.total()

    return tuple(
        sorted(
            name
            for name in one.values.keys() & other.values.keys()
            if overlaps(one.values[name], other.values[name])
            and overlaps(other.values[name], one.values[name])
        )
    )


def _shared_ids(one: _Data, other: _Data) -> tuple[SharedIds, ...]:
    found: dict[tuple[str, str], list[int]] = defaultdict(list)
    for mark in one.ids.keys() & other.ids.keys():
        (left, user), (right, _) = one.ids[mark], other.ids[mark]
        found[left, right].append(user)
    return tuple(
        SharedIds(left, right, len(users), len(set(users))) for (left, right), users in sorted(found.items())
    )


class _Keys:
    """What two vendors' data are joined on: a user's history in, keys out."""

    def __init__(
        self, names: frozenset[str], fields: Sequence[str], steady: Sequence[str], unit: int
    ) -> None:
        self._names = names
        self._fields = fields
        self._steady = steady
        self._unit = unit

    def by_join(self) -> Mapping[Join, Callable[[Sequence[Sighting]], Iterable[object]]]:
        """The keys of each join but the last, which takes those of all."""
        return {
            Join.TIME: lambda history: (self._time(each) for each in self._both(history)),
            Join.NAME_AND_TIME: lambda history: (
                (each.event, self._time(each)) for each in self._both(history)
            ),
            Join.ALL_BUT_TIME: lambda history: map(self._content, self._both(history)),
            Join.ALL: lambda history: (
                (self._time(each), self._content(each)) for each in self._both(history)
            ),
            Join.NAMES: self._names_in_a_row,
            Join.GAPS: self._gaps,
            Join.DAYS: lambda history: (
                (each.event, each.second // UNITS["day"]) for each in self._both(history)
            ),
            Join.PERSON: self._person,
        }

    def _both(self, history: Sequence[Sighting]) -> Iterator[Sighting]:
        """What the other vendor gets as well."""
        return (sighting for sighting in history if sighting.event in self._names)

    def _time(self, sighting: Sighting) -> int:
        return sighting.second // self._unit

    def _content(self, sighting: Sighting) -> tuple[object, ...]:
        return (sighting.event, *map(sighting.fields.get, self._fields))

    def _names_in_a_row(self, history: Sequence[Sighting]) -> Iterator[object]:
        names = [sighting.event for sighting in self._both(history)]
        yield from zip(*(names[start:] for start in range(_NAMES_IN_A_ROW)), strict=False)

    def _gaps(self, history: Sequence[Sighting]) -> Iterator[object]:
        times = [sighting.second // self._unit * self._unit for sighting in self._both(history)]
        gaps = [later - earlier for earlier, later in pairwise(times)]
        for in_a_row in zip(*(gaps[start:] for start in range(_GAPS_IN_A_ROW)), strict=False):
            if max(in_a_row) <= _SESSION:
                yield in_a_row

    def _person(self, history: Sequence[Sighting]) -> Iterator[object]:
        """All that stays the same about a user, as one key."""
        values = (
            min((each.fields[name] for each in history if name in each.fields), default=None)
            for name in self._steady
        )
        yield tuple(values)


def _holders(histories: _Histories, keys_of: Callable[[Sequence[Sighting]], Iterable[object]]) -> _Holders:
    holders: _Holders = defaultdict(list)
    for user, history in histories.items():
        for key, count in Counter(keys_of(history)).items():
            for number in range(count):
                holders[hash((key, number))].append(user)
    return holders


def _link(join: Join, ours: _Holders, theirs: _Holders, *, users: tuple[int, int], most: int) -> JoinFigures:
    """Give each user of the one data the best of the other."""
    norms: dict[int, float] = defaultdict(float)
    for theirs_of_key in theirs.values():
        weight = log((1 + users[1]) / len(theirs_of_key)) ** 2
        for user in theirs_of_key:
            norms[user] += weight
    scores: dict[int, dict[int, float]] = defaultdict(lambda: defaultdict(float))
    for key in _rarest(ours, theirs, most):
        weight = log((1 + users[1]) / len(theirs[key])) ** 2
        for user in ours[key]:
            candidates = scores[user]
            for candidate in theirs[key]:
                candidates[candidate] += weight
    right = wrong = 0
    for user, candidates in scores.items():
        best, second = _best(candidates, norms)
        if second is not None:
            continue
        right += best == user
        wrong += best != user
    sole = [(ours[key], theirs[key][0]) for key in ours.keys() & theirs.keys() if len(theirs[key]) == 1]
    keys = sum(map(len, ours.values())) or 1
    keys_right = sum(holder in holders for holders, holder in sole)
    keys_wrong = sum(len(holders) - (holder in holders) for holders, holder in sole)
    return JoinFigures(
        join,
        right / users[0],
        wrong / users[0],
        1 - (right + wrong) / users[0],
        keys_right / keys,
        keys_wrong / keys,
    )


def _rarest(ours: _Holders, theirs: _Holders, most: int) -> Iterator[int]:
    """Keys of both, those first that few have in the other data, as far as the pairs of users go.

    Of keys that equally many have there all or none, so that no order of keys takes part.
    """
    by_holders: dict[int, list[int]] = defaultdict(list)
    for key in ours.keys() & theirs.keys():
        by_holders[len(theirs[key])].append(key)
    for holders, keys in sorted(by_holders.items()):
        most -= holders * sum(len(ours[key]) for key in keys)
        if most < 0:
            return
        yield from keys


def _best(candidates: Mapping[int, float], norms: Mapping[int, float]) -> tuple[int, int | None]:
    """The candidate with the highest score, and another one with the same."""
    best, high, second = -1, -1.0, None
    for candidate, score in candidates.items():
        similarity = score / sqrt(norms[candidate])
        if similarity > high * (1 + 1e-9):
            best, high, second = candidate, similarity, None
        elif similarity >= high * (1 - 1e-9):
            second = candidate
    return best, second
