"""The base of every model that is read from a policy file: immutable, and closed against unknown keys."""

from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationInfo, model_validator

from service.policy.mistakes import Mistakes
from service.policy.yaml_source import Block


class ClosedModel(BaseModel):
    """Immutable and closed.

    Validated with a `Mistakes` as context, a model notes keys that it doesn't know, each with its place and
    the nearest known key, and takes them out; without that context they are ordinary errors.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    @model_validator(mode="before")
    @classmethod
    def _note_unknown_keys(cls, value: Any, info: ValidationInfo) -> Any:
        if not isinstance(value, Block) or not isinstance(info.context, Mistakes):
            return value
        known = [field.alias or name for name, field in cls.model_fields.items()]
        for key in [key for key in value if key not in known]:
            info.context.add(value.key_places[key], f"unknown key {key!r}", name=key, known=known)
            del value[key]
        return value
