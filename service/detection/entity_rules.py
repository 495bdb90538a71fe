"""What a vendor's policy says of findings in texts: which do not count, and what counts besides.

A pure function of a text, what detection found in it, and the policy. Detection finds once for all vendors;
each vendor's rules then choose among the same findings, before it is settled which of them stand. So a guess
that does not count never hides what lies beneath it.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from enum import StrEnum
from itertools import accumulate
from typing import NamedTuple

from service.detection.encoded import decoded_runs
from service.detection.listed_phrases import ListedPhrases
from service.detection.reading import Reading, fold, unescape
from service.detection.spans import DENY_LIST, Ruling, Span, merge, rulings
from service.policy.entities import GUESSED, Entity
from service.policy.plan import EntityPolicy


class Exemption(StrEnum):
    """Why a finding does not count for a vendor."""

    BELOW_THRESHOLD = "below_threshold"
    ALLOW_LIST = "allow_list"


class Exempt(NamedTuple):
    """A finding that does not count."""

    span: Span
    exemption: Exemption


class Explanation(NamedTuple):
    """All findings in a text: what became of those that count, and why others don't."""

    rulings: list[Ruling]
    exempt: list[Exempt]


class EntityRules:
    """One vendor's rules, ready to be applied. They are the same for every vendor with an equal policy."""

    def __init__(self, policy: EntityPolicy) -> None:
        """Compile the policy's lists."""
        self._thresholds = dict(policy.thresholds)
        self._allowed = ListedPhrases(((entry, None) for entry in policy.allow), loose=False)
        self._denied = ListedPhrases(policy.deny, loose=True)

    def settle(self, text: str, found: Sequence[Span]) -> tuple[Span, ...]:
        """The spans that stand, in order and not overlapping, of everything found in a text."""
        return merge(self._counting(text, found, []))

    def explain(self, text: str, found: Sequence[Span]) -> Explanation:
        """Why `settle` answers as it does."""
        exempt: list[Exempt] = []
        return Explanation(rulings(self._counting(text, found, exempt)), exempt)

    def _counting(self, text: str, found: Sequence[Span], exempt: list[Exempt]) -> Sequence[Span]:
        """The findings that count, and the deny list's; the others are added to `exempt`."""
        judged = bool(self._thresholds or self._allowed) and any(span.entity in GUESSED for span in found)
        if not judged and not self._denied:
            return found
        readings = _readings(text)
        denied = merge(span for reading in readings for span in self._denied_in(reading))
        if denied:
            found = _with_denied(found, denied)
        if not judged:
            return found
        allowed = _Cover(
            (start, end) for reading in readings for start, end, _ in self._allowed.find(reading)
        )
        counting = []
        for span in found:
            exemption = self._exemption(span, allowed)
            if exemption is None:
                counting.append(span)
            else:
                exempt.append(Exempt(span, exemption))
        return counting

    def _exemption(self, span: Span, allowed: "_Cover") -> Exemption | None:
        if span.entity not in GUESSED or span.recognizer == DENY_LIST:
            return None
        if span.score < self._thresholds.get(span.entity, 0.0):
            return Exemption.BELOW_THRESHOLD
        return Exemption.ALLOW_LIST if allowed.holds(span.start, span.end) else None

    def _denied_in(self, reading: Reading) -> Iterator[Span]:
        if not self._denied:
            return
        for start, end, entity in self._denied.find(reading):
            yield Span(start, end, entity, 1.0, DENY_LIST)
        for run in decoded_runs(reading.text):
            if any(True for _ in self._denied.find(fold(run.text))):
                yield Span(*reading.origin(run.start, run.end), Entity.ENCODED, 1.0, DENY_LIST)


class _Cover:
    """Intervals, and whether one of them holds another interval whole."""

    def __init__(self, intervals: Iterable[tuple[int, int]]) -> None:
        ordered = sorted(intervals)
        self._starts = [start for start, _ in ordered]
        self._reach = list(accumulate((end for _, end in ordered), max))

    def holds(self, start: int, end: int) -> bool:
        before = bisect_right(self._starts, start)
        return before > 0 and self._reach[before - 1] >= end


def _readings(text: str) -> tuple[Reading, ...]:
    folded = fold(text)
    unescaped = unescape(folded)
    return (folded,) if unescaped is None else (folded, unescaped)


def _with_denied(found: Iterable[Span], denied: tuple[Span, ...]) -> list[Span]:
    """The findings and what is denied, which wins.

    A denied word within an e-mail address or the like leaves that whole, and makes it the deny list's.
    """
    starts = [span.start for span in denied]

    def is_within(span: Span) -> bool:
        first = bisect_left(starts, span.start)
        return first < len(denied) and denied[first].end <= span.end

    whole = [
        span._replace(recognizer=DENY_LIST) if span.entity not in GUESSED and is_within(span) else span
        for span in found
    ]
    taken = _Cover((span.start, span.end) for span in whole if span.recognizer == DENY_LIST)
    return [*whole, *(span for span in denied if not taken.holds(span.start, span.end))]
