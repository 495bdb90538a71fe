"""What the Rampart classifier takes for personal data, less what the lists know better."""

from collections.abc import Iterator
from typing import ClassVar, Final

from service.detection.classifier import Classifier, Labelled
from service.detection.lexicon import lexicon
from service.detection.recognizers.rule import Found, RuleRecognizer
from service.detection.scan import Scan
from service.detection.words import Word, word_from
from service.policy.entities import Entity

#: Cities, states, post codes and web addresses say too little of a person: they are not taken over.
_ENTITIES: Final = {
    "GIVEN_NAME": Entity.PERSON,
    "SURNAME": Entity.PERSON,
    "EMAIL": Entity.EMAIL_ADDRESS,
    "PHONE": Entity.PHONE_NUMBER,
    "TAX_ID": Entity.NATIONAL_ID,
    "GOVERNMENT_ID": Entity.NATIONAL_ID,
    "BANK_ACCOUNT": Entity.BANK_ACCOUNT,
    "ROUTING_NUMBER": Entity.BANK_ACCOUNT,
    "PASSPORT": Entity.PASSPORT,
    "DRIVERS_LICENSE": Entity.DRIVING_LICENCE,
    "BUILDING_NUMBER": Entity.STREET_ADDRESS,
    "STREET_NAME": Entity.STREET_ADDRESS,
    "SECONDARY_ADDRESS": Entity.STREET_ADDRESS,
}
#: Pieces below are the model's guesses.
_LOWEST_SCORE: Final = 0.5
#: A number shorter than this is a count or a version.
_FEWEST_DIGITS: Final = 6
_NUMBERS: Final = frozenset(
    {
        Entity.PHONE_NUMBER,
        Entity.NATIONAL_ID,
        Entity.BANK_ACCOUNT,
        Entity.PASSPORT,
        Entity.DRIVING_LICENCE,
    }
)


class ClassifiedRecognizer(RuleRecognizer):
    """Finds what the classifier finds, whole words at a time."""

    entities: ClassVar = tuple(dict.fromkeys(_ENTITIES.values()))

    def __init__(self, classifier: Classifier) -> None:
        super().__init__()
        self._classifier = classifier
        lists = lexicon()
        self._things = lists.places | lists.products

    def find(self, scan: Scan) -> Iterator[Found]:
        """Names of which some word may be one; numbers that are long enough; house numbers with a street."""
        labelled = [
            found
            for found in self._classifier.label(scan.text)
            if found.score >= _LOWEST_SCORE and found.label in _ENTITIES
        ]
        streets = any(found.label == "STREET_NAME" for found in labelled)
        for found in labelled:
            entity = _ENTITIES[found.label]
            if entity is Entity.PERSON:
                yield from self._person(scan, found)
            elif entity in _NUMBERS:
                if sum(char.isdigit() for char in scan.text[found.start : found.end]) >= _FEWEST_DIGITS:
                    yield Found(found.start, found.end, entity, found.score)
            elif entity is not Entity.STREET_ADDRESS or streets:
                yield Found(found.start, found.end, entity, found.score)

    def _person(self, scan: Scan, found: Labelled) -> Iterator[Found]:
        for word in scan.words[max(0, word_from(scan.words, found.start) - 1) :]:
            if word.start >= found.end:
                return
            if word.end > found.start and self._may_be_a_name(word):
                yield Found(word.start, word.end, Entity.PERSON, found.score)

    def _may_be_a_name(self, word: Word) -> bool:
        return (
            (word.named or word.unknown or word.title)
            and not word.digits
            and not word.initial
            and word.key not in self._things
        )
