"""How many users share what a vendor knows of them.

k-anonymity after Sweeney ("k-anonymity: a model for protecting privacy", 2002): of the users that have the
same values in a combination of fields there are at least k. Unicity after de Montjoye, Hidalgo, Verleysen and
Blondel ("Unique in the Crowd", Scientific Reports 3, 2013): the share of users whom a few points of their
trace, drawn at random, single out.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise
from random import Random
from statistics import median
from typing import Final

#: Fields in a combination, and the most fields of which combinations are made: 299 of 12.
_MOST_AT_ONCE: Final = 3
_MOST_FIELDS: Final = 12
#: A field says something about a user if it stays the same for so many of the users who have it.
_STEADY: Final = 0.95
#: Known events.
POINTS: Final = (1, 2, 4)


@dataclass(frozen=True, slots=True)
class Anonymity:
    """A combination of fields.

    Attributes:
        fields: Their names.
        unique: The share of users who have their values alone.
        smallest: The fewest users with the same values: the k of k-anonymity.
        median: Half of the users are among at most so many with the same values.
    """

    fields: tuple[str, ...]
    unique: float
    smallest: int
    median: int


@dataclass(frozen=True, slots=True)
class Unicity:
    """What a unit of time hides, and what it costs.

    Attributes:
        unit: To which times are known, in seconds.
        unique: For each number of POINTS, the share of the users with so many events whom they single out.
        tied: The share of events that fall into the same unit as the same user's event before: what is lost
            of their order, but for the order of arrival.
    """

    unit: int
    unique: tuple[float, ...]
    tied: float


class Profiles:
    """What is known of each user beyond single events.

    Attributes:
        steady: The fields that say something about a user: hardly anybody has two values, and several users
            share each.
        users: The users' values of these fields.
    """

    def __init__(self, users: Iterable[Iterable[Mapping[str, str]]]) -> None:
        """Take the fields of each user's records."""
        profiles: list[dict[str, str]] = []
        self._having: Counter[str] = Counter()
        changing: Counter[str] = Counter()
        for records in users:
            values: dict[str, set[str]] = defaultdict(set)
            for record in records:
                for name, value in record.items():
                    values[name].add(value)
            self._having.update(values.keys())
            changing.update(name for name, found in values.items() if len(found) > 1)
            profiles.append({name: min(found) for name, found in values.items()})
        self.users: Sequence[Mapping[str, str]] = profiles
        self.steady = frozenset(
            name
            for name, count in self._having.items()
            if changing[name] <= (1 - _STEADY) * count and self._is_shared(name)
        )

    def _is_shared(self, name: str) -> bool:
        """Whether a field tells some users from others, but not each from all, as an id does."""
        values = {profile.get(name) for profile in self.users}
        return len(values) > 1 and 2 * len(values - {None}) <= self._having[name]

    def anonymity(self) -> tuple[Anonymity, ...]:
        """The figures of combinations of the steady fields, worst first.

        Of more than a dozen fields those that most users have. A field that a user has not is a value too.
        """
        chosen = sorted(sorted(self.steady), key=lambda name: -self._having[name])[:_MOST_FIELDS]
        figures = [
            self._of(fields)
            for size in range(1, _MOST_AT_ONCE + 1)
            for fields in combinations(sorted(chosen), size)
        ]
        return tuple(
            sorted(figures, key=lambda each: (-each.unique, each.median, len(each.fields), each.fields))
        )

    def _of(self, fields: tuple[str, ...]) -> Anonymity:
        classes = Counter(tuple(map(profile.get, fields)) for profile in self.users)
        sizes = [size for size in classes.values() for _ in range(size)]
        return Anonymity(fields, sizes.count(1) / len(sizes), min(sizes), int(median(sizes)))


def unicity(users: Sequence[Sequence[tuple[str, int]]], unit: int) -> Unicity:
    """How many users some of their own events single out, each known by its name and time.

    Args:
        users: Each user's events in order: name, and time in whole units.
        unit: The unit, in seconds.
    """
    holders: dict[tuple[str, int], set[int]] = defaultdict(set)
    for user, points in enumerate(users):
        for point in points:
            holders[point].add(user)
    traces = [sorted(set(points)) for points in users]
    shares = []
    for count in POINTS:
        random = Random(count)  # noqa: S311  (a repeatable draw, no secret)
        drawn = [random.sample(points, count) for points in traces if len(points) >= count]
        alone = sum(len(set.intersection(*map(holders.__getitem__, points))) == 1 for points in drawn)
        shares.append(alone / len(drawn) if drawn else 0.0)
    followed = sum(len(points) - 1 for points in users)
    tied = sum(one[1] == next_[1] for points in users for one, next_ in pairwise(points))
    return Unicity(unit, tuple(shares), tied / followed if followed else 0.0)
