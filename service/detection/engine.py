"""Presidio's analyzer with Weir's registry: the recognizers, and what their findings are called."""

from typing import Final

from presidio_analyzer import AnalyzerEngine, RecognizerRegistry, RecognizerResult
from presidio_analyzer.context_aware_enhancers import ContextAwareEnhancer
from presidio_analyzer.nlp_engine import NlpArtifacts, NoOpNlpEngine
from presidio_analyzer.predefined_recognizers import (
    CreditCardRecognizer,
    CryptoRecognizer,
    IbanRecognizer,
    IpRecognizer,
    ItFiscalCodeRecognizer,
    MacAddressRecognizer,
)

from service.detection.recognizers.birth_date import BirthDateRecognizer
from service.detection.recognizers.coordinates import CoordinatesRecognizer
from service.detection.recognizers.credential import CredentialRecognizer
from service.detection.recognizers.email_address import EmailAddressRecognizer
from service.detection.recognizers.home_folder import HomeFolderRecognizer
from service.detection.recognizers.labelled_number import LabelledNumberRecognizer
from service.detection.recognizers.national_id import NationalIdRecognizer
from service.detection.recognizers.person import PersonRecognizer
from service.detection.recognizers.person_east_asian import EastAsianPersonRecognizer
from service.detection.recognizers.phone_number import PhoneNumberRecognizer
from service.detection.recognizers.secret_token import SecretTokenRecognizer
from service.detection.recognizers.social_handle import SocialHandleRecognizer
from service.detection.recognizers.street_address import StreetAddressRecognizer
from service.detection.spans import Span
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


class _NoContext(ContextAwareEnhancer):
    """Leaves scores alone: Presidio's context words are those of one language."""

    def __init__(self) -> None:
        super().__init__(0, 0, 0, 0)

    def enhance_using_context(
        self,
        text: str,  # noqa: ARG002
        raw_results: list[RecognizerResult],
        nlp_artifacts: NlpArtifacts,  # noqa: ARG002
        recognizers: object,  # noqa: ARG002
        context: list[str] | None = None,  # noqa: ARG002
    ) -> list[RecognizerResult]:
        return raw_results


class Engine:
    """Finds entities in one text whose NER was done before."""

    def __init__(self) -> None:
        registry = RecognizerRegistry(
            recognizers=[
                PersonRecognizer(),
                EastAsianPersonRecognizer(),
                EmailAddressRecognizer(),
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
                CreditCardRecognizer(),
                IbanRecognizer(),
                IpRecognizer(),
                MacAddressRecognizer(),
                CryptoRecognizer(),
                ItFiscalCodeRecognizer(),
            ],
            supported_languages=[LANGUAGE],
        )
        self._analyzer = AnalyzerEngine(
            registry=registry,
            nlp_engine=NoOpNlpEngine(models=[{"lang_code": LANGUAGE, "model_name": "none"}]),
            supported_languages=[LANGUAGE],
            context_aware_enhancer=_NoContext(),
        )

    def analyze(self, text: str, artifacts: NlpArtifacts) -> list[Span]:
        """Everything found in the text; spans may overlap."""
        results = self._analyzer.analyze(
            text, language=LANGUAGE, nlp_artifacts=artifacts, score_threshold=0.4
        )
        return [
            Span(
                result.start,
                result.end,
                _ENTITIES[result.entity_type],
                result.score,
                result.recognition_metadata[RecognizerResult.RECOGNIZER_NAME_KEY],
            )
            for result in results
            if result.entity_type in _ENTITIES
        ]
