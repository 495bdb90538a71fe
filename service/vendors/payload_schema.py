"""A vendor's payload schema: held against whole payloads, and asked which values a place takes.

Every schema of schemas/vendors constrains a value by where it stands and by nothing else in the payload. So
in a payload that is valid, a value may be changed for another one that its place takes. A place takes every
value of a nature if it takes the extremes of that nature, some of which any limit, pattern or list would
refuse; where it does not, it is asked about each value.
"""

import hashlib
import json
from typing import Any, Final, TypeAlias

from jsonschema_rs import Draft202012Validator

from service.events.json_value import JsonObject, JsonValue
from service.policy.vendor_names import VendorName
from service.pseudonyms.encodings import Encoding
from service.schema_files import schema_path
from service.vendors.layout import MAX_ITEMS, MEDIUM, SHORT, Conversion, Leaf, Nature

#: The keys and indices that lead to a place in a payload.
Place: TypeAlias = tuple[str | int, ...]

_LONG: Final = 9_000  # longer than any vendor's limit, so that it stands there cut to it
_EXTREMES: Final[dict[Nature, tuple[JsonValue, ...]]] = {
    Nature.EMPTY: ("",),
    Nature.SHORT_TEXT: ("x", "0", " ", "\u00e9" * SHORT, "A" * SHORT, "-", "true"),
    Nature.MEDIUM_TEXT: ("x" * (SHORT + 1), "0" * MEDIUM, "\u00e9" * MEDIUM),
    Nature.LONG_TEXT: ("x" * (MEDIUM + 1), "0" * _LONG, "\u00e9" * _LONG),
    Nature.NUMBER: (0, 1, -1, 0.5, -(2**63), 2**64 - 1, 1e300, -1e-300),
    Nature.SWITCH: (True, False),
    Nature.SHORT_LIST: ([], ["x"], [0, -0.5], [True], ["\u00e9" * MEDIUM] * MAX_ITEMS, [""]),
    Nature.LONG_LIST: (["x"] * (MAX_ITEMS + 1), ["0" * _LONG, 0, False], ["\u00e9" * _LONG]),
    Nature.TIME: ("1971-01-01T00:00:00Z", "9999-12-31T23:59:59Z"),
    Nature.TIME_IN_1970: ("1970-01-01T00:00:00Z", "1970-12-31T23:59:59Z"),
    Nature.TIME_BEFORE_1970: ("0001-01-01T00:00:00Z", "1969-12-31T23:59:59Z"),
    Nature.NO_VALUE: (),
}
_MACS: Final = (
    bytes(32),
    b"\xff" * 32,
    *(hashlib.sha256(bytes([number])).digest() for number in range(6)),
)


class PayloadSchema:
    """The schema of `schemas/vendors/<vendor>.v1.schema.json`."""

    def __init__(self, vendor: VendorName) -> None:
        """Read the schema; it is part of the program, so a missing or broken one is a defect that raises."""
        text = schema_path(f"vendors/{vendor}.v1.schema.json").read_text(encoding="utf-8")
        self._validator: Final = Draft202012Validator(json.loads(text))
        # At most one for each place that a policy's fields have, and each nature.
        self._free: dict[tuple[object, ...], bool] = {}

    def takes(self, payload: JsonObject) -> bool:
        """Whether the payload is valid."""
        return self._validator.is_valid(payload)

    def takes_at(self, payload: JsonObject, place: Place, value: JsonValue) -> bool:
        """Whether a payload, otherwise valid, may have the value at a place where it has another one."""
        holder: Any = payload
        for step in place[:-1]:
            holder = holder[step]
        held, holder[place[-1]] = holder[place[-1]], value
        valid = self._validator.is_valid(payload)
        holder[place[-1]] = held
        return valid

    def takes_all_at(self, payload: JsonObject, place: Place, leaf: Leaf, conversion: Conversion) -> bool:
        """Whether a valid payload may have there whatever a leaf of this nature may be, converted."""
        key = (place, leaf.nature, leaf.encoding, conversion)
        free = self._free.get(key)
        if free is None:
            extremes = _extremes(leaf.nature, leaf.encoding)
            free = bool(extremes) and all(
                self.takes_at(payload, place, conversion.apply(value)) for value in extremes
            )
            self._free[key] = free
        return free


def _extremes(nature: Nature, encoding: Encoding | None) -> tuple[JsonValue, ...]:
    return _EXTREMES[nature] if encoding is None else tuple(map(encoding, _MACS))
