"""Replacing what detection found in a text; Presidio's anonymizer applies the operators."""

import logging
from collections.abc import Iterable, Mapping
from functools import cache

from presidio_anonymizer import AnonymizerEngine
from presidio_anonymizer.entities import OperatorConfig, RecognizerResult

from service.actions.action import ActionContext
from service.actions.pseudonym_operator import PseudonymOperator
from service.detection.spans import Span
from service.policy.entities import Entity


def redacted(
    text: str,
    spans: Iterable[Span],
    context: ActionContext,
    operators: Mapping[str, OperatorConfig] | None = None,
) -> str:
    """The text with each span replaced, by `<ENTITY>` where no other operator is given for its entity."""
    found = [RecognizerResult(span.entity.value, span.start, span.end, span.score) for span in spans]
    if not found:
        return text
    result = _anonymizer().anonymize(text, found, dict(operators or {}))
    count((Entity(item.entity_type) for item in result.items), context)
    return str(result.text)


def count(entities: Iterable[Entity], context: ActionContext) -> None:
    """Add what was replaced to the context's counts."""
    for entity in entities:
        context.entities[entity] = context.entities.get(entity, 0) + 1


@cache
def _anonymizer() -> AnonymizerEngine:
    # At debug level the engine formats several lines for each span, whether anybody reads them or not.
    logging.getLogger("presidio-anonymizer").setLevel(logging.WARNING)
    engine = AnonymizerEngine()  # type: ignore[no-untyped-call]  # its __init__ has no annotations
    engine.add_anonymizer(PseudonymOperator)
    return engine
