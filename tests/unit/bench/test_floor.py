"""The floor that Weir's speed is held against makes what Weir makes."""

from pathlib import Path

from service.bench.floor import Floor
from service.demo.events import Mix, generate
from service.pseudonyms.keyring import KeyRing
from service.sanitize.outcomes import Sent
from service.sanitize.sanitizer import Sanitizer

#: Every event of the reference plan that has a form without words, and every other call.
_KINDS = {
    *("page", "screen", "identify", "group", "alias"),
    *("Signed Up", "Logged In", "API Key Created", "Usage Viewed", "Playground Run", "Feedback Submitted"),
    *("Plan Changed", "Invite Sent", "Error Shown", "File Uploaded"),
}


def test_sends_the_same_payloads_to_the_same_vendors(sanitizer: Sanitizer, keyring_file: Path) -> None:
    events = generate(2000, seed=11, mix=Mix.STRUCTURED)
    assert {event.body.get("event", event.body["type"]) for event in events} == _KINDS
    floor = Floor(KeyRing.load(keyring_file).versions[0])
    records = [event.raw for event in events if event.raw is not None]
    for record, outcomes in zip(records, sanitizer.sanitize(records).outcomes, strict=True):
        sent = [(outcome.vendor, outcome.value) for outcome in outcomes if isinstance(outcome, Sent)]
        assert floor.payloads(record) == sent
