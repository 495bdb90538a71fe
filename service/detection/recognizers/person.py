"""People's names: what the language model says."""

from collections.abc import Collection
from typing import Final

from presidio_analyzer import LocalRecognizer, RecognizerResult
from presidio_analyzer.nlp_engine import NlpArtifacts

from service.detection.recognizers.rule import Found, presidio_result
from service.policy.entities import Entity

#: The labels of people in OntoNotes (English) and WikiNER (French).
_PERSON_LABELS: Final = frozenset({"PERSON", "PER"})


class PersonRecognizer(LocalRecognizer):
    """Finds names."""

    def __init__(self) -> None:
        super().__init__(supported_entities=[Entity.PERSON.value])

    def load(self) -> None:
        """Nothing to load: Presidio asks for it."""

    def analyze(
        self,
        text: str,  # noqa: ARG002
        entities: Collection[str],  # noqa: ARG002  (Presidio's interface; all are wanted here)
        nlp_artifacts: NlpArtifacts,
    ) -> list[RecognizerResult]:
        """The people that the model found."""
        return [
            presidio_result(self, Found(entity.start_char, entity.end_char, Entity.PERSON, 0.85))
            for entity in nlp_artifacts.entities
            if entity.label_ in _PERSON_LABELS
        ]
