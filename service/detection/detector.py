"""Finds personal data in texts: the one door to detection."""

from collections import Counter, OrderedDict
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final, NamedTuple, TypeVar

from spacy.language import Language

from service.detection.casing import with_capitals
from service.detection.classifier import Classifier
from service.detection.encoded import decoded_runs
from service.detection.engine import Engine
from service.detection.models import adds_alike_in_any_batch, load_model
from service.detection.profile import Profile
from service.detection.reading import Reading, fold, unescape
from service.detection.scan import Scan
from service.detection.spans import Span, TextRequest, merge
from service.policy.entities import Entity

#: The cache's bounds; at most some 40 MB, as longer texts are not kept.
_CACHE_ENTRIES: Final = 10_000
_CACHE_LONGEST_TEXT: Final = 2_000
#: Longer texts are read in windows of so many characters, which overlap by so many.
_WINDOW: Final = 4_000
_OVERLAP: Final = 400
#: How many encodings deep a text is read: base64 in percent-encoding in base64.
_MAX_DEPTH: Final = 3
#: What is searched at once, in texts and in characters, so that memory stays bounded.
_PORTION_TEXTS: Final = 1_024
_PORTION_CHARACTERS: Final = 128_000
#: What is given to a model at once, in texts and in characters: the first for speed, the second for memory.
_BATCH_TEXTS: Final = 128
_BATCH_CHARACTERS: Final = 32_000


_Item = TypeVar("_Item")


class _Passage(NamedTuple):
    """A stretch to be searched.

    Attributes:
        request: Which text it is of.
        reading: The stretch, read.
        run: For what an encoded run decodes to, where the run stands in the original: it goes as a whole.
        modelled: Whether a language model reads it; the rules always do.
    """

    request: int
    reading: Reading
    run: tuple[int, int] | None
    modelled: bool


class Detector:
    """Models and recognizers, loaded once. Same text and locale -> same spans, alone or in any batch."""

    def __init__(self, spacy_model: str = "en_core_web_md", profile: Profile = Profile.BALANCED) -> None:
        """Load the models (some seconds; docs/detection.md states the memory).

        Raises:
            ConfigurationError: if a model is unknown or not installed.
        """
        self._profile = profile
        self._models: dict[str, Language] = {}
        if profile is not Profile.FAST:
            self._models = {"en": load_model(spacy_model), "fr": load_model("fr_core_news_sm")}
        # Where company would change a text's numbers, each goes alone, which takes longer.
        alike = all(adds_alike_in_any_batch(model) for model in self._models.values())
        self._batch_texts = _BATCH_TEXTS if alike else 1
        self._engine = Engine(Classifier() if profile is Profile.STRICT else None)
        self._cache: OrderedDict[TextRequest, tuple[Span, ...]] = OrderedDict()
        self._counts: Counter[str] = Counter()

    def detect(self, requests: Sequence[TextRequest]) -> list[tuple[Span, ...]]:
        """The spans of each text: in order, not overlapping, in code points of the text as it was given."""
        return [merge(spans) for spans in self.find(requests)]

    def find(self, requests: Sequence[TextRequest]) -> list[tuple[Span, ...]]:
        """Everything found in each text, before it is settled which of overlapping spans stand."""
        found: dict[TextRequest, tuple[Span, ...]] = {}
        for request in requests:
            if request in self._cache:
                self._cache.move_to_end(request)
                found[request] = self._cache[request]
        fresh = [request for request in dict.fromkeys(requests) if request not in found]
        answers, modelled = self._find(fresh)
        self._counts.update(cache=len(found), rules=len(fresh) - modelled, model=modelled)
        for request, spans in zip(fresh, answers, strict=True):
            found[request] = spans
            if len(request.text) <= _CACHE_LONGEST_TEXT:
                self._cache[request] = spans
        while len(self._cache) > _CACHE_ENTRIES:
            self._cache.popitem(last=False)
        return [found[request] for request in requests]

    def _find(self, requests: Sequence[TextRequest]) -> tuple[list[tuple[Span, ...]], int]:
        """Everything found in each text, and how many of them a model read."""
        passages = [
            passage for index, request in enumerate(requests) for passage in _passages(index, request.text)
        ]
        found: list[list[Span]] = [[] for _ in requests]
        modelled: set[int] = set()
        for portion in _portions(passages, _PORTION_TEXTS, _PORTION_CHARACTERS, _length):
            for passage, spans in zip(portion, self._search(portion, requests, modelled), strict=True):
                if passage.run is None:
                    for span in spans:
                        start, end = passage.reading.origin(span.start, span.end)
                        found[passage.request].append(span._replace(start=start, end=end))
                elif spans:
                    found[passage.request].append(Span(*passage.run, Entity.ENCODED, 1.0, "Encoded"))
        return [tuple(dict.fromkeys(spans)) for spans in found], len(modelled)

    def take_counts(self) -> Counter[str]:
        """How many texts the `cache`, the `rules` alone and a `model` decided since the last call."""
        counts, self._counts = self._counts, Counter()
        return counts

    def forget(self) -> None:
        """Empty the cache."""
        self._cache.clear()

    def _search(
        self, passages: Sequence[_Passage], requests: Sequence[TextRequest], modelled: set[int]
    ) -> list[list[Span]]:
        """What the rules find in each passage, then what the models add where they may add anything.

        The places of the requests that a model reads are added to `modelled`.
        """
        scans = [Scan(passage.reading.text) for passage in passages]
        found = [self._engine.rules(scan) for scan in scans]
        by_model: dict[str, list[int]] = {name: [] for name in self._models}
        if self._models:
            for position, (passage, scan) in enumerate(zip(passages, scans, strict=True)):
                if passage.modelled and (
                    self._profile is Profile.STRICT or self._engine.undecided(scan, found[position])
                ):
                    by_model[_model_for(scan, requests[passage.request].locale)].append(position)
        for name, positions in by_model.items():
            modelled.update(passages[position].request for position in positions)
            for batch in _portions(
                positions, self._batch_texts, _BATCH_CHARACTERS, lambda at: len(scans[at].text)
            ):
                docs = self._models[name].pipe(with_capitals(scans[position]) for position in batch)
                for position, doc in zip(batch, docs, strict=True):
                    scans[position].entities = list(doc.ents)
                    found[position] += self._engine.people(scans[position])
                    found[position] += self._engine.classified(scans[position])
        return found


def language_hint(locale: object) -> str | None:
    """What of an event's locale bears on detection, for TextRequest: few values, so that texts come again."""
    return "fr" if isinstance(locale, str) and locale.lower().startswith("fr") else None


def _model_for(scan: Scan, locale: str | None) -> str:
    if scan.language is None and locale is not None and locale.lower().startswith("fr"):
        return "fr"
    return "fr" if scan.language == "fr" else "en"


def _length(passage: _Passage) -> int:
    return len(passage.reading.text)


def _portions(
    items: Iterable[_Item], most: int, characters: int, length: Callable[[_Item], int]
) -> Iterator[list[_Item]]:
    """The items in order, so many at once, and no more characters unless one alone has more."""
    portion: list[_Item] = []
    taken = 0
    for item in items:
        if portion and (len(portion) == most or taken + length(item) > characters):
            yield portion
            portion, taken = [], 0
        portion.append(item)
        taken += length(item)
    if portion:
        yield portion


def _passages(request: int, text: str) -> Iterator[_Passage]:
    folded = fold(text)
    yield from _read(request, folded, None, _MAX_DEPTH)


def _read(request: int, folded: Reading, run: tuple[int, int] | None, depth: int) -> Iterator[_Passage]:
    """The passages of a text: as it stands, with its escapes undone, and what its encoded runs hold."""
    unescaped = unescape(folded)
    readings = [folded] if unescaped is None else [folded, unescaped]
    for reading in readings:
        for window in _windows(reading):
            # A model's time is dear: it reads the text as a person would, and not twice.
            yield _Passage(request, window, run, modelled=reading is readings[-1])
        if depth:
            for decoded in decoded_runs(reading.text):
                whole = run or reading.origin(decoded.start, decoded.end)
                yield from _read(request, fold(decoded.text), whole, depth - 1)


def _windows(reading: Reading) -> Iterator[Reading]:
    length = len(reading.text)
    if length <= _WINDOW:
        yield reading
        return
    start = 0
    while True:
        end = min(start + _WINDOW, length)
        yield reading.part(start, end)
        if end == length:
            return
        start = end - _OVERLAP
