"""Who is measured: Weir in its profiles, and Presidio as it comes."""

import warnings
from collections.abc import Sequence
from typing import Final, Protocol

import spacy
import tldextract
from presidio_analyzer import AnalyzerEngine, BatchAnalyzerEngine, RecognizerResult
from presidio_analyzer.nlp_engine import SpacyNlpEngine

from service.bench.detection.measures import Found
from service.detection.detector import Detector
from service.detection.models import load_model
from service.detection.profile import Profile
from service.detection.spans import TextRequest
from service.policy.entities import Entity

_STOCK_MODEL: Final = "en_core_web_md"
_STOCK_BATCH: Final = 128
#: Presidio's names of kinds that Weir has; a place counts as an address, and any date as a birth date.
_KINDS: Final = {
    "LOCATION": Entity.STREET_ADDRESS,
    "DATE_TIME": Entity.DATE_OF_BIRTH,
    "IBAN_CODE": Entity.BANK_ACCOUNT,
    "US_BANK_NUMBER": Entity.BANK_ACCOUNT,
    "CRYPTO": Entity.CRYPTO_WALLET,
    "US_SSN": Entity.NATIONAL_ID,
    "US_ITIN": Entity.NATIONAL_ID,
    "UK_NHS": Entity.NATIONAL_ID,
    "UK_NINO": Entity.NATIONAL_ID,
    "US_PASSPORT": Entity.PASSPORT,
    "US_DRIVER_LICENSE": Entity.DRIVING_LICENCE,
    **{entity.value: entity for entity in Entity},
}


class Contender(Protocol):
    """Something that finds personal data in texts.

    Attributes:
        name: What it is called in reports.
    """

    name: str

    def alone(self, requests: Sequence[TextRequest]) -> list[list[Found]]:
        """What is found in each text, asked one by one."""

    def together(self, requests: Sequence[TextRequest]) -> list[list[Found]]:
        """What is found in each text, asked all at once."""

    def forget(self) -> None:
        """Empty its cache, if it has any."""


class Weir:
    """Weir's detector in one profile."""

    def __init__(self, profile: Profile) -> None:
        self.name = f"Weir {profile}"
        self._detector = Detector(profile=profile)

    def alone(self, requests: Sequence[TextRequest]) -> list[list[Found]]:
        return [found for request in requests for found in self.together([request])]

    def together(self, requests: Sequence[TextRequest]) -> list[list[Found]]:
        return [
            [Found(span.start, span.end, span.entity) for span in spans]
            for spans in self._detector.detect(requests)
        ]

    def forget(self) -> None:
        self._detector.forget()


class StockPresidio:
    """Presidio as it comes: en_core_web_md and the default recognizers; every text is taken for English."""

    name = "stock Presidio"

    def __init__(self) -> None:
        # Its e-mail recognizer would fetch the public suffix list; the one in the package will do.
        tldextract.tldextract.TLD_EXTRACTOR = tldextract.TLDExtract(suffix_list_urls=())
        engine = SpacyNlpEngine(models=[{"lang_code": "en", "model_name": _STOCK_MODEL}])
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message=r"\[W095\]")  # as in service.detection.models
            # The whole pipeline, as Presidio loads it: its lemmas are what context words are compared with.
            whole = spacy.load(load_model(_STOCK_MODEL).path)
        engine.nlp = {"en": whole}  # type: ignore[assignment]  # Presidio declares None
        self._analyzer = AnalyzerEngine(nlp_engine=engine)
        self._batches = BatchAnalyzerEngine(self._analyzer)

    def alone(self, requests: Sequence[TextRequest]) -> list[list[Found]]:
        return [_found(self._analyzer.analyze(request.text, language="en")) for request in requests]

    def together(self, requests: Sequence[TextRequest]) -> list[list[Found]]:
        texts = [request.text for request in requests]
        return [
            _found(results)
            for results in self._batches.analyze_iterator(texts, language="en", batch_size=_STOCK_BATCH)
        ]

    def forget(self) -> None:
        """It remembers nothing."""


def _found(results: Sequence[RecognizerResult]) -> list[Found]:
    """Presidio's findings in order; where they overlap, the higher score wins, and the rest stays."""
    covered: set[int] = set()
    taken: list[Found] = []
    for result in sorted(results, key=lambda found: (-found.score, found.start - found.end, found.start)):
        free = [place for place in range(result.start, result.end) if place not in covered]
        covered.update(free)
        for start in (place for place in free if place - 1 not in free):
            end = next(place for place in range(start + 1, result.end + 1) if place not in free)
            taken.append(Found(start, end, _KINDS.get(result.entity_type)))
    return sorted(taken, key=lambda found: found.start)
