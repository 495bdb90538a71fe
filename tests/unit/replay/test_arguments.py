"""A job's arguments, as whoever goes on with it repeats them."""

import shlex

from service.policy.vendor_names import VendorName
from service.replay.definition import Arguments, OffsetsLine
from service.vendors.form import ShapeReason


def test_options() -> None:
    arguments = Arguments(
        topics=("events.raw", "events.old"),
        vendors=(VendorName.POSTHOG,),
        events=("Signed Up", "page"),
        since="-7d",
        until="2026-03-02",
        dead_letters=True,
        reasons=(ShapeReason.NO_USABLE_ID,),
        to_topic="review",
        as_live=True,
    )
    assert shlex.join(arguments.options) == (
        "--from -7d --to 2026-03-02 --reason no_usable_id --vendor posthog --event 'Signed Up' --event page "
        "--topic events.raw --topic events.old --to-topic review --from-dead-letters --as-live"
    )


def test_offsets_stand_for_topics() -> None:
    line = OffsetsLine(topic="events.raw", partition=0, start=3)
    assert Arguments(topics=("events.raw",), offsets=(line,)).options == ["--offsets"]
