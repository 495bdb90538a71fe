"""The base of Weir's own recognizers: rules over a text, in the form Presidio's registry takes."""

from abc import abstractmethod
from collections.abc import Collection, Iterator
from typing import ClassVar, NamedTuple

from presidio_analyzer import LocalRecognizer, RecognizerResult
from presidio_analyzer.nlp_engine import NlpArtifacts

from service.detection.scan import Scan
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

    def may_find(self, scan: Scan) -> bool:  # noqa: ARG002
        """Whether the text has what everything that `find` looks for must have. Cheap; the default is yes."""
        return True

    @abstractmethod
    def find(self, scan: Scan) -> Iterator[Found]:
        """What stands in a text that may hold any. May overlap; takes time linear in its length."""

    def analyze(
        self,
        text: str,
        entities: Collection[str],  # noqa: ARG002  (Presidio's interface; all are wanted here)
        nlp_artifacts: NlpArtifacts | None = None,
    ) -> list[RecognizerResult]:
        """Presidio's interface to `find`: the artifacts are the text's scan, or one is made."""
        scan = Scan.of(text, nlp_artifacts)
        return [presidio_result(self, found) for found in self.find(scan)]


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
