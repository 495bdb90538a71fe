"""scrub: a text with everything personal that detection found in it replaced."""

from typing import Final

from presidio_anonymizer.entities import OperatorConfig

from service.actions.action import REFUSED, Action, ActionContext, RefusedType
from service.actions.pseudonym_operator import PseudonymOperator
from service.actions.redaction import redacted
from service.events.json_value import JsonValue
from service.policy.action_specs import Scrub

#: Neither the kind nor the length of what it stands for.
_MASK: Final = OperatorConfig("replace", {"new_value": "***"})


class ScrubAction(Action):
    """Every span becomes `<ENTITY>`, or for the entities named `<ENTITY:pseudonym>` or `***`."""

    def __init__(self, spec: Scrub, key_purpose: str | None) -> None:
        self._pseudonymized = sorted(spec.pseudonymize)
        self._masks: dict[str, OperatorConfig] = dict.fromkeys(sorted(spec.mask), _MASK)
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
        pseudonym = OperatorConfig(PseudonymOperator.NAME, params)
        return {**self._masks, **dict.fromkeys(self._pseudonymized, pseudonym)}
