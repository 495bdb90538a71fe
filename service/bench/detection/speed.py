"""How many texts a second of CPU time a detector reads."""

import time
from collections.abc import Callable, Sequence
from itertools import islice
from typing import Final, NamedTuple

from service.bench.detection.cases import TextsOfEvents
from service.bench.detection.contenders import Contender
from service.demo.events import generate
from service.detection.spans import TextRequest

_REPETITIONS: Final = 3
#: Events made at once until there are enough texts.
_EVENTS: Final = 2000
#: Repeats are left out where fewer of the texts than this were distinct.
_LEAST_DISTINCT: Final = 0.5


class SpeedTexts(NamedTuple):
    """The texts that are read.

    Attributes:
        mixed: Texts of the demo's events in their order, at least half of them distinct.
        distinct: Texts of the same events, each once.
    """

    mixed: list[TextRequest]
    distinct: list[TextRequest]

    @property
    def distinct_share(self) -> float:
        """How many of the mixed texts are distinct."""
        return len({request.text for request in self.mixed}) / len(self.mixed)


class Speed(NamedTuple):
    """Texts a second of CPU time, the best of some repetitions, each from an empty cache.

    Attributes:
        mixed_alone: Texts as they come, one by one, with the cache if there is one.
        distinct_alone: Distinct texts one by one: a cache finds nothing.
        distinct_together: Distinct texts, all at once.
    """

    mixed_alone: float
    distinct_alone: float
    distinct_together: float


def demo_texts(events: TextsOfEvents, count: int, *, seed: int) -> SpeedTexts:
    """What the pipeline asks detection about for the demo's events."""
    mixed: list[TextRequest] = []
    distinct: dict[str, TextRequest] = {}  # until the mixed texts are complete, those among them
    while len(distinct) < count:
        sample = [event.raw for event in generate(_EVENTS, seed=seed) if event.raw is not None]
        seed += 1
        for request in events.of(sample):
            rare = len(distinct) >= _LEAST_DISTINCT * (len(mixed) + 1)
            if len(mixed) < count and (rare or request.text not in distinct):
                mixed.append(request)
            distinct.setdefault(request.text, request)
    return SpeedTexts(mixed, list(islice(distinct.values(), count)))


def speed(contender: Contender, texts: SpeedTexts) -> Speed:
    """Let a detector read the texts."""
    return Speed(
        _rate(contender, contender.alone, texts.mixed),
        _rate(contender, contender.alone, texts.distinct),
        _rate(contender, contender.together, texts.distinct),
    )


def _rate(
    contender: Contender, read: Callable[[Sequence[TextRequest]], object], texts: Sequence[TextRequest]
) -> float:
    seconds = []
    for _ in range(_REPETITIONS):
        contender.forget()
        begun = time.process_time()
        read(texts)
        seconds.append(time.process_time() - begun)
    return len(texts) / min(seconds)
