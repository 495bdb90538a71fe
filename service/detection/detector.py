"""Finds personal data in texts: the one door to detection."""

from collections import OrderedDict
from collections.abc import Sequence
from typing import Final

from presidio_analyzer.nlp_engine import NlpArtifacts

from service.detection.engine import LANGUAGE, Engine
from service.detection.models import load_model
from service.detection.reading import Reading, fold, unescape
from service.detection.spans import Span, TextRequest, merge

_CACHE_ENTRIES: Final = 20_000


class Detector:
    """Models and recognizers, loaded once. Same text and locale -> same spans, alone or in any batch."""

    def __init__(self, spacy_model: str = "en_core_web_md") -> None:
        """Load the models (seconds; some hundred MB).

        Raises:
            ConfigurationError: if a model is unknown or not installed.
        """
        self._english = load_model(spacy_model)
        self._engine = Engine()
        self._cache: OrderedDict[TextRequest, tuple[Span, ...]] = OrderedDict()

    def detect(self, requests: Sequence[TextRequest]) -> list[tuple[Span, ...]]:
        """The spans of each text: in order, not overlapping, in code points of the text as it was given."""
        fresh = [request for request in dict.fromkeys(requests) if request not in self._cache]
        found = dict(zip(fresh, self._detect(fresh), strict=True))
        for request in requests:
            if request in self._cache:
                found[request] = self._cache[request]
                self._cache.move_to_end(request)
        self._cache.update(found)
        while len(self._cache) > _CACHE_ENTRIES:
            self._cache.popitem(last=False)
        return [found[request] for request in requests]

    def _detect(self, requests: list[TextRequest]) -> list[tuple[Span, ...]]:
        readings: list[tuple[int, Reading]] = []
        for index, request in enumerate(requests):
            folded = fold(request.text)
            unescaped = unescape(folded)
            readings += [(index, reading) for reading in (folded, unescaped) if reading is not None]
        docs = self._english.pipe(reading.text for _, reading in readings)
        found: list[list[Span]] = [[] for _ in requests]
        for (index, reading), doc in zip(readings, docs, strict=True):
            artifacts = NlpArtifacts(
                entities=list(doc.ents),
                tokens=doc,
                tokens_indices=[token.idx for token in doc],
                lemmas=[],
                nlp_engine=None,
                language=LANGUAGE,
            )
            for span in self._engine.analyze(reading.text, artifacts):
                start, end = reading.origin(span.start, span.end)
                found[index].append(span._replace(start=start, end=end))
        return [merge(spans) for spans in found]
