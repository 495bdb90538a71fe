"""Finds personal data in texts: the one door to detection."""

from collections import Counter, OrderedDict
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from presidio_analyzer.nlp_engine import NlpArtifacts
from spacy.tokens import Doc
from spacy.vocab import Vocab

from service.detection.casing import with_capitals
from service.detection.encoded import decoded_runs
from service.detection.engine import LANGUAGE, Engine
from service.detection.language import guess_language
from service.detection.models import adds_alike_in_any_batch, load_model
from service.detection.reading import Reading, fold, unescape
from service.detection.spans import Span, TextRequest, merge
from service.detection.words import split_words
from service.policy.entities import Entity

#: The cache's bounds; at most some 40 MB, as longer texts are not kept.
_CACHE_ENTRIES: Final = 10_000
_CACHE_LONGEST_TEXT: Final = 2_000
#: Longer texts are read in windows of so many characters, which overlap by so many.
_WINDOW: Final = 4_000
_OVERLAP: Final = 400
#: How many encodings deep a text is read: base64 in percent-encoding in base64.
_MAX_DEPTH: Final = 3
#: What is given to a model at once, in texts and in characters: the first for speed, the second for memory.
_BATCH_TEXTS: Final = 128
_BATCH_CHARACTERS: Final = 32_000
#: What no model has read.
_NOTHING: Final = Doc(Vocab(), words=[])


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

    def __init__(self, spacy_model: str = "en_core_web_md") -> None:
        """Load the models (some seconds; docs/detection.md states the memory).

        Raises:
            ConfigurationError: if a model is unknown or not installed.
        """
        self._models = {"en": load_model(spacy_model), "fr": load_model("fr_core_news_sm")}
        # Where company would change a text's numbers, each goes alone, which takes longer.
        alike = all(adds_alike_in_any_batch(model) for model in self._models.values())
        self._batch_texts = _BATCH_TEXTS if alike else 1
        self._engine = Engine()
        self._cache: OrderedDict[TextRequest, tuple[Span, ...]] = OrderedDict()
        self._counts: Counter[str] = Counter()

    def detect(self, requests: Sequence[TextRequest]) -> list[tuple[Span, ...]]:
        """The spans of each text: in order, not overlapping, in code points of the text as it was given."""
        return [merge(spans) for spans in self.find(requests)]

    def find(self, requests: Sequence[TextRequest]) -> list[tuple[Span, ...]]:
        """Everything found in each text, before overlapping spans are settled: what `detect` merges."""
        found: dict[TextRequest, tuple[Span, ...]] = {}
        for request in requests:
            if request in self._cache:
                self._cache.move_to_end(request)
                found[request] = self._cache[request]
        fresh = [request for request in dict.fromkeys(requests) if request not in found]
        self._counts.update(cache=len(found), detector=len(fresh))
        for request, spans in zip(fresh, self._search(fresh), strict=True):
            found[request] = spans
            if len(request.text) <= _CACHE_LONGEST_TEXT:
                self._cache[request] = spans
        while len(self._cache) > _CACHE_ENTRIES:
            self._cache.popitem(last=False)
        return [found[request] for request in requests]

    def take_counts(self) -> Counter[str]:
        """How many different texts the `cache` knew, and the `detector` searched, since the last call."""
        counts, self._counts = self._counts, Counter()
        return counts

    def forget(self) -> None:
        """Empty the cache."""
        self._cache.clear()

    def _search(self, requests: list[TextRequest]) -> list[tuple[Span, ...]]:
        passages = [
            passage for index, request in enumerate(requests) for passage in _passages(index, request.text)
        ]
        docs = self._docs(passages, requests)
        found: list[list[Span]] = [[] for _ in requests]
        for position, passage in enumerate(passages):
            spans = self._engine.analyze(passage.reading.text, _artifacts(docs.get(position)))
            if passage.run is None:
                for span in spans:
                    start, end = passage.reading.origin(span.start, span.end)
                    found[passage.request].append(span._replace(start=start, end=end))
            elif spans:
                found[passage.request].append(Span(*passage.run, Entity.ENCODED, 1.0, "Encoded"))
        return [tuple(dict.fromkeys(spans)) for spans in found]

    def _docs(self, passages: list[_Passage], requests: list[TextRequest]) -> dict[int, Doc]:
        """What a language model says of each passage that one reads, by the passage's place in the list."""
        by_model: dict[str, list[int]] = {name: [] for name in self._models}
        for position, passage in enumerate(passages):
            if passage.modelled:
                locale = requests[passage.request].locale
                by_model[_model_for(passage.reading.text, locale)].append(position)
        docs: dict[int, Doc] = {}
        for name, positions in by_model.items():
            texts = [with_capitals(passages[position].reading.text) for position in positions]
            read = (doc for batch in self._batches(texts) for doc in self._models[name].pipe(batch))
            docs.update(zip(positions, read, strict=True))
        return docs

    def _batches(self, texts: list[str]) -> Iterator[list[str]]:
        """The texts in order, so many at once as a model may be given."""
        batch: list[str] = []
        characters = 0
        for text in texts:
            if batch and (len(batch) == self._batch_texts or characters + len(text) > _BATCH_CHARACTERS):
                yield batch
                batch, characters = [], 0
            batch.append(text)
            characters += len(text)
        if batch:
            yield batch


def _model_for(text: str, locale: str | None) -> str:
    guessed = guess_language(split_words(text))
    if guessed is None and locale is not None and locale.lower().startswith("fr"):
        return "fr"
    return "fr" if guessed == "fr" else "en"


def _artifacts(doc: Doc | None) -> NlpArtifacts:
    doc = _NOTHING if doc is None else doc
    return NlpArtifacts(
        entities=list(doc.ents),
        tokens=doc,
        tokens_indices=[],
        lemmas=[],
        nlp_engine=None,
        language=LANGUAGE,
    )


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
