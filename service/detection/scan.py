"""One look at a text, shared by all recognizers: its words, and which signs stand in it at all."""

import re
from functools import cached_property
from typing import Final

from presidio_analyzer.nlp_engine import NlpArtifacts
from spacy.tokens import Doc, Span
from spacy.vocab import Vocab

from service.detection.language import guess_language
from service.detection.words import Word, split_words

_DIGIT: Final = re.compile(r"\d")
#: Presidio wants tokens where there is no model: none.
_NO_TOKENS: Final = Doc(Vocab(), words=[])


class Scan(NlpArtifacts):
    """A text and what every recognizer asks of it, worked out once.

    It travels as Presidio's artifacts, which each recognizer is given.

    Attributes:
        text: The text.
        words: Its words in order.
        keys: The words' forms in the lists.
        signs: Every character that stands in it.
        digits: How many digits it has.
        entities: What a language model found in it.
    """

    def __init__(self, text: str) -> None:
        super().__init__(
            entities=[], tokens=_NO_TOKENS, tokens_indices=[], lemmas=[], nlp_engine=None, language="en"
        )
        self.text = text
        self.words: list[Word] = split_words(text)
        self.keys = frozenset([word.key for word in self.words])
        self.signs = frozenset(text)
        self.digits = len(_DIGIT.findall(text))
        self.entities: list[Span] = []

    @classmethod
    def of(cls, text: str, artifacts: NlpArtifacts | None) -> "Scan":
        """The scan that travels as these artifacts, or a new one for a caller that has none."""
        return artifacts if isinstance(artifacts, cls) else cls(text)

    @cached_property
    def ascii(self) -> bool:
        """Whether it is ASCII throughout."""
        return self.text.isascii()

    @cached_property
    def language(self) -> str | None:
        """The language that its words tell, if any."""
        return guess_language(self.words)
