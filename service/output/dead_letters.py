"""The dead letter: where a record that could not go out is to be found, and why. Nothing of the record."""

import orjson
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from service.policy.vendor_names import VendorName
from service.sanitize.outcomes import DeadLettered, DeadLetterReason, Stage


class DeadLetter(BaseModel):
    """A dead letter as it was read: every part is of a closed set or a form, so that all of it can be shown.

    Attributes:
        topic: The raw record's topic, with `partition` and `offset`.
        timestamp: The raw record's, milliseconds since 1970.
        vendor: None where it stands for every vendor.
        policy: Fingerprint of the policy that was in force.
    """

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", hide_input_in_errors=True)

    topic: str = Field(pattern=r"^[A-Za-z0-9._-]{1,249}$")
    partition: int = Field(ge=0)
    offset: int = Field(ge=0)
    timestamp: int
    vendor: VendorName | None
    stage: Stage
    reason: DeadLetterReason
    policy: str = Field(pattern="^[0-9a-f]{64}$")

    @property
    def source(self) -> str:
        """The raw record's coordinates, which are the letter's key as well."""
        return f"{self.topic}/{self.partition}/{self.offset}"


def dead_letter(
    outcome: DeadLettered, *, source: tuple[str, int], offset: int, timestamp: int, policy: str
) -> tuple[bytes, bytes]:
    """Key and value for the dead-letter topic.

    The key is the raw record's coordinates, so that letters of one record meet in one partition. `source` is
    the raw record's topic and partition, `timestamp` its own in milliseconds since 1970; `policy` is the
    fingerprint of the policy in force.
    """
    topic, partition = source
    key = f"{topic}/{partition}/{offset}".encode()
    value = {
        "topic": topic,
        "partition": partition,
        "offset": offset,
        "timestamp": timestamp,
        "vendor": outcome.vendor,
        "stage": outcome.stage,
        "reason": outcome.reason,
        "policy": policy,
    }
    return key, orjson.dumps(value)


def read_dead_letter(key: bytes | None, value: bytes | None) -> DeadLetter | None:
    """The letter of a record of the dead-letter topic; None for a record that is none of Weir's."""
    try:
        letter = DeadLetter.model_validate_json(value or b"")
    except ValidationError:
        return None
    return letter if key == letter.source.encode() else None
