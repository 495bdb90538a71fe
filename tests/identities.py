"""An event's identity values, found as the sanitizer finds them."""

from collections.abc import Iterable

import orjson

from service.detection.known_values import KnownValues
from service.events.json_value import JsonObject
from service.policy.plan import IdentityField
from service.sanitize.identity_tree import IdentityTree


def known_values_of(body: JsonObject, fields: Iterable[IdentityField] = ()) -> KnownValues:
    """The matcher of the identity values of an event with this body."""
    return KnownValues(IdentityTree(fields).walk(body, orjson.dumps(body)))
