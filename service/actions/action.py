"""What every action is: a value in, a value or nothing out."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass
from enum import Enum
from typing import Final, Literal, TypeAlias

from service.detection.spans import Span
from service.events.json_value import JsonValue
from service.policy.entities import Entity
from service.pseudonyms.pseudonymizer import Pseudonymizer


class Refused(Enum):
    """The type of REFUSED."""

    REFUSED = "refused"


REFUSED: Final = Refused.REFUSED
RefusedType: TypeAlias = Literal[Refused.REFUSED]


@dataclass(slots=True, repr=False)
class ActionContext:
    """What an action may use besides the value.

    Attributes:
        pseudonymizer: The vendor's keys of the version that the event's time asks for.
        findings: The spans of every text the actions asked to have scanned, by the text itself.
        entities: Counts of what was replaced, by entity; scrubbing actions add to it.
        generated: Strings that Weir itself made (pseudonyms); actions add theirs, the gate leaves them alone.
    """

    pseudonymizer: Pseudonymizer
    findings: Mapping[str, tuple[Span, ...]]
    entities: MutableMapping[Entity, int]
    generated: set[str]


class Action(ABC):
    """One action with its parameters bound. Stateless: the same value and context give the same result.

    Attributes:
        closed: Whether every string of a result is a word of a list, Weir's or the policy's. The gate leaves
            those alone: `claude-opus` says nothing of a Claude, but `<IDENTITY>-opus` would.
    """

    closed: bool = False

    def texts(self, value: JsonValue) -> tuple[str, ...]:  # noqa: ARG002  (most actions scan nothing)
        """The texts that must be in `findings` before `apply` may be called with this value."""
        return ()

    def essence(self, value: JsonValue) -> JsonValue:
        """What of a value that has texts the result depends on: `apply` and `texts` give the same for it."""
        return value

    @abstractmethod
    def apply(self, value: JsonValue, context: ActionContext) -> JsonValue | RefusedType:
        """The value that may go out, or REFUSED where this one can't be handled: the field is dropped.

        Contract: never raises for any JSON value, never returns a part of a value it refuses, and a text
        whose findings are missing from the context is refused (fail closed).
        """
