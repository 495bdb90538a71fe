"""The base of Weir's own recognizers: rules over a text, in the form Presidio's registry takes."""

from abc import abstractmethod
from collections.abc import Collection, Iterator
from typing import ClassVar, NamedTuple

from presidio_analyzer import LocalRecognizer, RecognizerResult
from presidio_analyzer.nlp_engine import NlpArtifacts

from service.policy.entities import Entity


class Found(NamedTuple):
    """What a rule found: `text[start:end]` is an entity, with a score between 0 and 1."""

    start: int
    end: int
    entity: Entity
    score: float


class RuleRecognizer(LocalRecognizer):
    """A recognizer that reads the text alone. Stateless."""

    entities: ClassVar[tuple[Entity, ...]]

    def __init__(self) -> None:
        super().__init__(supported_entities=[entity.value for entity in self.entities])

    def load(self) -> None:
        """Nothing to load: Presidio asks for it."""

    @abstractmethod
    def find(self, text: str) -> Iterator[Found]:
        """What stands in the text. May overlap; takes time linear in the text's length."""

    def analyze(
        self,
        text: str,
        entities: Collection[str],  # noqa: ARG002  (Presidio's interface; all are wanted here)
        nlp_artifacts: NlpArtifacts | None = None,  # noqa: ARG002
    ) -> list[RecognizerResult]:
        """Presidio's interface to `find`."""
        return [presidio_result(self, found) for found in self.find(text)]


def presidio_result(recognizer: LocalRecognizer, found: Found) -> RecognizerResult:
    """A finding as Presidio passes it on."""
    return RecognizerResult(
        entity_type=found.entity.value,
        start=found.start,
        end=found.end,
        score=found.score,
        recognition_metadata={
            RecognizerResult.RECOGNIZER_NAME_KEY: type(recognizer).__name__,
            RecognizerResult.RECOGNIZER_IDENTIFIER_KEY: recognizer.id,
        },
    )
