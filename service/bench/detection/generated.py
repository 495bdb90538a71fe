"""Labelled texts made of templates and invented values."""

import re
import tomllib
from collections.abc import Iterator
from functools import cache
from random import Random
from typing import Final, NamedTuple

from service.bench.detection.labelled import LabelledText, Part, Source, Split, joined
from service.bench.detection.noise import noisy
from service.bench.detection.values import Values, data_file, split_of

_SLOT: Final = re.compile(r"\{\{(\w+)(?:\|(\w+))?\}\}")
_WORD: Final = re.compile(r"[^\W_]+")
#: The locale that an event of a product's user in this language has.
_EVENT_LOCALES: Final = {
    "en": "en-US", "fr": "fr-FR", "de": "de-DE", "es": "es-ES", "it": "it-IT", "pt": "pt-BR", "nl": "nl-NL",
}  # fmt: skip


class Template(NamedTuple):
    """A text with slots.

    Attributes:
        kind: Which kind of text.
        language: Its language, ISO 639-1.
        text: With `{{slot}}` or `{{slot|disguise}}` where values go.
    """

    kind: str
    language: str
    text: str

    @property
    def split(self) -> Split:
        """Its half; templates that differ only in their slots and punctuation are in the same."""
        words = _words(self.text)
        return Split.TUNE if words in _seen() else split_of(words)


def _words(text: str) -> str:
    """A template without slots and punctuation."""
    return " ".join(_WORD.findall(_SLOT.sub(" ", text)))


@cache
def _seen() -> frozenset[str]:
    """The words of templates that rules had been written on before there were halves."""
    return frozenset(_words(line) for line in _lines("presidio_tune_templates.txt"))


def _lines(name: str) -> list[str]:
    """A data file's lines, each with its escaped line breaks undone."""
    return [line.replace("\\n", "\n") for line in data_file(name).splitlines()]


def templates(source: Source) -> list[Template]:
    """All templates of a source, of both halves."""
    match source:
        case Source.SENTENCES:
            return [Template("sentence", "en", line) for line in _lines("presidio_templates.txt")]
        case Source.NOISY:
            return [Template("social", "en", line) for line in _lines("social_texts.txt")]
        case Source.CONTROLS:
            by_language = tomllib.loads(data_file("control_texts.toml"))
            return [
                Template("control", language, text)
                for language, texts in by_language.items()
                if language != "words"
                for text in texts
            ]
        case Source.PRODUCT:
            by_kind = tomllib.loads(data_file("product_texts.toml"))
            return [
                Template(kind, language, text)
                for kind, languages in by_kind.items()
                for language, texts in languages.items()
                for text in texts
            ]


def generate(source: Source, count: int, *, seed: int, split: Split) -> list[LabelledText]:
    """Distinct texts of a source; fewer than asked for where its templates have no more to give.

    The same arguments give the same texts on every machine, with the same version of Faker.

    Args:
        source: Which templates.
        count: How many texts.
        seed: Which texts.
        split: Whose templates and values; the two halves share none.
    """
    random = Random(f"{seed} {source} {split}")  # noqa: S311  (a repeatable sample, no secret)
    values = Values(random, split)
    found: dict[str, LabelledText] = {}
    for template in _in_turn(source, split, random, count):
        parts = joined(_filled(template, values))
        if source is Source.NOISY:
            parts = noisy(parts, random)
        locale = _EVENT_LOCALES[template.language] if source is Source.PRODUCT else None
        text = LabelledText(parts, source, template.kind, template.language, locale)
        found.setdefault(text.text, text)
        if len(found) == count:
            break
    return list(found.values())


#: Draws for each text wanted, after which it is given up: templates without slots give the same text again.
_MOST_DRAWS: Final = 5


def _in_turn(source: Source, split: Split, random: Random, count: int) -> Iterator[Template]:
    """The half's templates, each as often as the others, in any order."""
    usable = [template for template in templates(source) if template.split is split]
    if source is Source.NOISY:
        sentences = [template for template in templates(Source.SENTENCES) if template.split is split]
        usable += [
            template._replace(kind="social") for template in sentences if len(template.text) <= _LONGEST_POST
        ]
    drawn = 0
    while drawn < _MOST_DRAWS * count:
        for template in random.sample(usable, len(usable)):
            yield template
            drawn += 1


_LONGEST_POST: Final = 140


def _filled(template: Template, values: Values) -> Iterator[Part]:
    locale = values.locale(template.language)
    position = 0
    for match in _SLOT.finditer(template.text):
        yield Part(template.text[position : match.start()])
        yield from values.parts(match[1], match[2], template.language, locale)
        position = match.end()
    yield Part(template.text[position:])
