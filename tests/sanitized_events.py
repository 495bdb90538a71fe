"""Sanitized events for the tests of vendor forms, with pseudonyms as the key ring would make them."""

import hmac
from collections.abc import Mapping

from service.events.event import CallType
from service.events.json_value import JsonValue
from service.vendors.form import SanitizedEvent, VendorForm

#: Classes of the id fields in the reference tracking plan.
ID_CLASSES: Mapping[str, str] = {
    "messageId": "identifier.event",
    "userId": "identifier.user",
    "anonymousId": "identifier.device",
    "groupId": "identifier.object",
    "previousId": "identifier.user",
    "context.device.id": "identifier.device",
    "properties.project_id": "identifier.object",
}


def pseudonym(form: VendorForm, path: str) -> str:
    """The pseudonym of an id field in the vendor's form."""
    mac = hmac.digest(b"a key of the tests", path.encode(), "sha256")
    return form.encoding(ID_CLASSES[path])(mac)


def sanitized(
    form: VendorForm,
    call: CallType,
    fields: Mapping[str, JsonValue] | None = None,
    *,
    name: str | None = None,
    without: tuple[str, ...] = (),
) -> SanitizedEvent:
    """An event with the ids its call needs, a time, and the fields given."""
    ids = ["messageId", "userId", "anonymousId"]
    ids += ["groupId"] if call is CallType.GROUP else []
    ids += ["previousId"] if call is CallType.ALIAS else []
    whole: dict[str, JsonValue] = {path: pseudonym(form, path) for path in ids}
    whole |= {"timestamp": "2026-03-04T05:06:07Z", **(fields or {})}
    for path in without:
        del whole[path]
    if name is None and call is CallType.TRACK:
        name = "Feedback Submitted"
    return SanitizedEvent(call, name, whole)
