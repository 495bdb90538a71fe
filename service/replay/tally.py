"""What became of a job's records, in counts. Kept beside the offset of each partition, in the same commit."""

from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, NamedTuple, Self

import orjson

#: The vendor of an outcome that is every vendor's.
ALL_VENDORS: Final = "all"
#: Key versions that are counted each for itself, so that the counts fit beside an offset; then the others.
_MOST_KEYS: Final = 16
_OTHER_KEYS: Final = "others"


class Kind(StrEnum):
    """The kinds of outcomes."""

    SENT = "sent"
    SUPPRESSED = "suppressed"
    DEAD_LETTERED = "dead_lettered"


class Counted(NamedTuple):
    """What is counted together. `reason` is empty for what was sent."""

    vendor: str
    kind: Kind
    reason: str = ""


@dataclass(slots=True)
class Tally:
    """Counts.

    Attributes:
        records: Raw records that were sanitized.
        skipped: Raw records that were read and not asked for.
        gone: Offsets that retention removed while the job ran.
        outcomes: By vendor, kind and reason.
        gate_hits: By vendor.
        keys: Events sent, by key version.
    """

    records: int = 0
    skipped: int = 0
    gone: int = 0
    outcomes: Counter[Counted] = field(default_factory=Counter)
    gate_hits: Counter[str] = field(default_factory=Counter)
    keys: Counter[str] = field(default_factory=Counter)

    def add(self, other: "Tally") -> None:
        """Add another's counts."""
        self.records += other.records
        self.skipped += other.skipped
        self.gone += other.gone
        self.outcomes += other.outcomes
        self.gate_hits += other.gate_hits
        self.keys += other.keys

    def total(self, kind: Kind) -> int:
        """How many outcomes of a kind."""
        return sum(count for counted, count in self.outcomes.items() if counted.kind is kind)

    def encode(self) -> str:
        """As text, short enough for an offset's metadata: 4,096 bytes unless a broker is set otherwise."""
        outcomes: dict[str, dict[str, dict[str, int]]] = {}
        for (vendor, kind, reason), count in sorted(self.outcomes.items()):
            outcomes.setdefault(vendor, {}).setdefault(_LETTER[kind], {})[reason] = count
        keys = Counter(dict(self.keys.most_common(_MOST_KEYS)))
        if len(self.keys) > _MOST_KEYS:
            keys[_OTHER_KEYS] += self.keys.total() - keys.total()
        counts = [self.records, self.skipped, self.gone, outcomes, self.gate_hits, keys]
        return orjson.dumps(counts, option=orjson.OPT_NON_STR_KEYS).decode()

    @classmethod
    def decode(cls, text: str) -> Self:
        """Read what `encode` wrote.

        Raises:
            ValueError: it is something else.
        """
        try:
            records, skipped, gone, outcomes, gate_hits, keys = orjson.loads(text)
            return cls(
                records,
                skipped,
                gone,
                Counter(
                    {
                        Counted(vendor, _KIND[letter], reason): count
                        for vendor, kinds in outcomes.items()
                        for letter, reasons in kinds.items()
                        for reason, count in reasons.items()
                    }
                ),
                Counter(gate_hits),
                Counter(keys),
            )
        except (AttributeError, KeyError, TypeError) as error:
            raise ValueError("no tally") from error


_LETTER: Final = {kind: kind[:2] for kind in Kind}
_KIND: Final = {letter: kind for kind, letter in _LETTER.items()}
