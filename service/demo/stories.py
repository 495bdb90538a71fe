"""The three events that the demo shows, before and after."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from service.demo.ledger import Ending, Ledger
from service.demo.planted import Place, SampleEvent
from service.events.json_value import JsonObject, JsonValue
from service.policy.vendor_names import VendorName


@dataclass(frozen=True, slots=True)
class Story:
    """An event and what each vendor got of it."""

    title: str
    event: SampleEvent
    endings: dict[VendorName, Ending]


def choose(events: Sequence[SampleEvent], ledger: Ledger) -> list[Story]:
    """Of each plot the event that tells most: many kinds of values, many vendors. Repeatable."""

    def endings(event: SampleEvent) -> dict[VendorName, Ending]:
        return {vendor: ledger.endings[event.timestamp, vendor] for vendor in VendorName}

    def telling(event: SampleEvent, place: Place) -> tuple[int, int, bool, int]:
        kinds = {planted.kind for planted in event.planted if planted.place is place}
        vendors = sum(isinstance(ending, dict) for ending in endings(event).values())
        return (vendors, len(kinds), event.language == "en", -event.timestamp)

    stories = []
    for title, place, fits in _PLOTS:
        candidates = [
            event
            for event in events
            if fits(event.body)
            and all((event.timestamp, vendor) in ledger.endings for vendor in VendorName)
            and any(planted.place is place for planted in event.planted)
        ]
        if candidates:
            event = max(candidates, key=lambda one: telling(one, place))
            stories.append(Story(title, event, endings(event)))
    return stories


def _property(body: JsonObject, name: str) -> JsonValue:
    properties = body.get("properties")
    return properties.get(name) if isinstance(properties, dict) else None


def _ticket(body: JsonObject) -> bool:
    return body.get("event") == "Support Ticket Opened"


def _page(body: JsonObject) -> bool:
    url = _property(body, "url")
    return body["type"] == "page" and isinstance(url, str) and "members/" in url


def _identify(body: JsonObject) -> bool:
    return body["type"] == "identify"


_PLOTS: tuple[tuple[str, Place, Callable[[JsonObject], bool]], ...] = (
    ("Words: a support ticket", Place.FREE_TEXT, _ticket),
    ("An address: a page with an e-mail in its path", Place.STRUCTURED, _page),
    ("A person: what the product knows about a user", Place.STRUCTURED, _identify),
)
