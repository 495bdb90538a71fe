"""A vendor's payload schema, held against every payload on its way out."""

import json
from typing import Final

import orjson
from jsonschema_rs import Draft202012Validator

from service.events.json_value import JsonObject
from service.policy.vendor_names import VendorName
from service.schema_files import schema_path
from service.vendors.form import Shaped, ShapeReason


class PayloadSchema:
    """The schema of `schemas/vendors/<vendor>.v1.schema.json` and the vendor's limit in bytes."""

    def __init__(self, vendor: VendorName, *, max_bytes: int) -> None:
        """Read the schema; it is part of the program, so a missing or broken one is a defect that raises."""
        text = schema_path(f"vendors/{vendor}.v1.schema.json").read_text(encoding="utf-8")
        self._validator: Final = Draft202012Validator(json.loads(text))
        self._max_bytes: Final = max_bytes

    def check(self, payload: JsonObject, *, key: str, generated: frozenset[str]) -> Shaped | ShapeReason:
        """The payload as Shaped, or why the vendor would not take it."""
        try:
            encoded = orjson.dumps(payload)
        except orjson.JSONEncodeError:  # half of a surrogate pair, a number beyond 64 bits
            return ShapeReason.PAYLOAD_INVALID
        if len(encoded) > self._max_bytes:
            return ShapeReason.PAYLOAD_TOO_LARGE
        if not self._validator.is_valid(payload):
            return ShapeReason.PAYLOAD_INVALID
        return Shaped(key, payload, encoded, generated)
