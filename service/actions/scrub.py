"""scrub: a text with everything personal that detection found in it replaced."""

from collections.abc import Set as AbstractSet

from presidio_anonymizer.entities import OperatorConfig

from service.actions.action import REFUSED, Action, ActionContext, RefusedType
from service.actions.pseudonym_operator import PseudonymOperator
from service.actions.redaction import redacted
from service.events.json_value import JsonValue
from service.policy.entities import Entity


class ScrubAction(Action):
    """Every span becomes `<ENTITY>`, or `<ENTITY:pseudonym>` for the entities named."""

    def __init__(self, pseudonymized: AbstractSet[Entity], key_purpose: str | None) -> None:
        self._pseudonymized = sorted(pseudonymized)
        self._key_purpose = key_purpose

    def texts(self, value: JsonValue) -> tuple[str, ...]:
        return (value,) if isinstance(value, str) else ()

    def apply(self, value: JsonValue, context: ActionContext) -> JsonValue | RefusedType:
        spans = context.findings.get(value) if isinstance(value, str) else None
        if spans is None or not isinstance(value, str):
            return REFUSED
        return redacted(value, spans, context, self._operators(context) if spans else None)

    def _operators(self, context: ActionContext) -> dict[str, OperatorConfig]:
        params = {
            PseudonymOperator.PSEUDONYMIZER: context.pseudonymizer,
            PseudonymOperator.PURPOSE: self._key_purpose,
            PseudonymOperator.GENERATED: context.generated,
        }
        return {entity: OperatorConfig(PseudonymOperator.NAME, params) for entity in self._pseudonymized}
