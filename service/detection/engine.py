"""The recognizers, when each is called, and what their findings are called."""

import re
from collections.abc import Callable
from typing import Final

from presidio_analyzer import LocalRecognizer, PatternRecognizer, RecognizerRegistry, RecognizerResult
from presidio_analyzer.predefined_recognizers import (
    CreditCardRecognizer,
    CryptoRecognizer,
    IbanRecognizer,
    IpRecognizer,
    ItFiscalCodeRecognizer,
    MacAddressRecognizer,
)

from service.detection.classifier import Classifier
from service.detection.recognizers.birth_date import BirthDateRecognizer
from service.detection.recognizers.card_number import CardNumberRecognizer
from service.detection.recognizers.classified import ClassifiedRecognizer
from service.detection.recognizers.coordinates import CoordinatesRecognizer
from service.detection.recognizers.credential import CredentialRecognizer
from service.detection.recognizers.email_address import EmailAddressRecognizer
from service.detection.recognizers.home_folder import HomeFolderRecognizer
from service.detection.recognizers.iban import IbanCheckRecognizer
from service.detection.recognizers.labelled_number import LabelledNumberRecognizer
from service.detection.recognizers.national_id import NationalIdRecognizer
from service.detection.recognizers.person import PersonRecognizer
from service.detection.recognizers.person_east_asian import EastAsianPersonRecognizer
from service.detection.recognizers.phone_number import PhoneNumberRecognizer
from service.detection.recognizers.rule import RuleRecognizer
from service.detection.recognizers.secret_token import SecretTokenRecognizer
from service.detection.recognizers.social_handle import SocialHandleRecognizer
from service.detection.recognizers.spelled_out import SpelledOutRecognizer
from service.detection.recognizers.street_address import StreetAddressRecognizer
from service.detection.scan import Scan
from service.detection.spans import Span, merge
from service.policy.entities import Entity

#: Presidio's registry is asked for one language only: which language a text is in decides the NER model, and
#: nothing else; every rule reads every text.
LANGUAGE: Final = "en"

_ENTITIES: Final = {
    "CRYPTO": Entity.CRYPTO_WALLET,
    "IT_FISCAL_CODE": Entity.NATIONAL_ID,
    "IBAN_CODE": Entity.BANK_ACCOUNT,
    **{entity.value: entity for entity in Entity},
}


#: Findings below are no findings: Presidio's patterns that fail their check digits.
_LOWEST_SCORE: Final = 0.4

_Condition = Callable[[Scan], bool]

_LETTERS_THEN_DIGITS: Final = re.compile(r"[A-Za-z]{2}\d\d")
_LONG_RUN: Final = re.compile(r"[A-Za-z0-9]{16}")
_HARDWARE_ADDRESS: Final = re.compile(
    r"[0-9A-Fa-f]{2}([:-])[0-9A-Fa-f]{2}\1|[0-9A-Fa-f]{4}\.[0-9A-Fa-f]{4}\.[0-9A-Fa-f]{4}"
)


def _presidio_recognizers() -> tuple[tuple[PatternRecognizer, _Condition], ...]:
    """Presidio's own recognizers, each with what its patterns need of a text; Weir's know it themselves."""
    return (
        (CreditCardRecognizer(), lambda scan: scan.digits >= 13),
        (IbanRecognizer(), lambda scan: _LETTERS_THEN_DIGITS.search(scan.text) is not None),
        (IpRecognizer(), lambda scan: ":" in scan.signs or (scan.digits >= 4 and scan.text.count(".") >= 3)),
        (MacAddressRecognizer(), lambda scan: _HARDWARE_ADDRESS.search(scan.text) is not None),
        (CryptoRecognizer(), lambda scan: _LONG_RUN.search(scan.text) is not None),
        (
            ItFiscalCodeRecognizer(supported_language=LANGUAGE),
            lambda scan: _LONG_RUN.search(scan.text) is not None,
        ),
    )


class Engine:
    """Finds entities in one text: the rules first, then what language models say of it.

    Presidio's registry holds the recognizers. Its analyzer would call each on every text; here one runs only
    where the text has what it needs (a phone number has seven digits). Tests hold both to the same answer.
    """

    def __init__(self, classifier: Classifier | None = None) -> None:
        self._person = PersonRecognizer()
        rules: tuple[RuleRecognizer, ...] = (
            EastAsianPersonRecognizer(),
            EmailAddressRecognizer(),
            CardNumberRecognizer(),
            IbanCheckRecognizer(),
            PhoneNumberRecognizer(),
            StreetAddressRecognizer(),
            BirthDateRecognizer(),
            NationalIdRecognizer(),
            LabelledNumberRecognizer(),
            SecretTokenRecognizer(),
            CredentialRecognizer(),
            HomeFolderRecognizer(),
            CoordinatesRecognizer(),
            SocialHandleRecognizer(),
            SpelledOutRecognizer(),
        )
        self._conditional: tuple[tuple[LocalRecognizer, _Condition], ...] = (
            (self._person, lambda _: True),
            *((rule, rule.may_find) for rule in rules),
            *_presidio_recognizers(),
        )
        self._classified = None if classifier is None else ClassifiedRecognizer(classifier)
        self.registry = RecognizerRegistry(
            recognizers=[recognizer for recognizer, _ in self._conditional], supported_languages=[LANGUAGE]
        )

    def rules(self, scan: Scan) -> list[Span]:
        """What patterns, lists and phrases find; spans may overlap."""
        found: list[RecognizerResult] = []
        for recognizer, needed in self._conditional:
            if needed(scan):
                found += recognizer.analyze(scan.text, recognizer.supported_entities, scan)
        return _spans(found)

    def undecided(self, scan: Scan, found: list[Span]) -> bool:
        """Whether a model might find people besides what the rules found."""
        return self._person.undecided(scan, [(span.start, span.end) for span in merge(found)])

    def classified(self, scan: Scan) -> list[Span]:
        """What the classifier finds in a text, where there is one."""
        if self._classified is None:
            return []
        return _spans(self._classified.analyze(scan.text, self._classified.supported_entities, scan))

    def people(self, scan: Scan) -> list[Span]:
        """The names in a text that a model has read: `scan.entities` are its answer."""
        return _spans(self._person.analyze(scan.text, self._person.supported_entities, scan))


def _spans(found: list[RecognizerResult]) -> list[Span]:
    return [
        Span(
            result.start,
            result.end,
            _ENTITIES[result.entity_type],
            result.score,
            result.recognition_metadata[RecognizerResult.RECOGNIZER_NAME_KEY],
        )
        for result in found
        if result.entity_type in _ENTITIES and result.score >= _LOWEST_SCORE
    ]
