"""What the demo prints, on every kind of screen."""

import json
import re
from io import StringIO
from typing import Literal
from xml.etree import ElementTree as ET

import pytest
from rich.console import Console

from service.demo.audit import AuditResult, Bin
from service.demo.ledger import DeadLetter, Ledger
from service.demo.pipeline import Stopwatch
from service.demo.planted import Kind, Place, Planted, SampleEvent
from service.demo.report import Report
from service.demo.stories import choose
from service.policy.vendor_names import VendorName
from service.sanitize.outcomes import SuppressReason

EVENT = SampleEvent(
    key=b"u1",
    raw=b"",
    body={
        "type": "track",
        "event": "Support Ticket Opened",
        "userId": "usr_1",
        "properties": {"body": "Harriet Whitlock has left,\nsorry.", "priority": "low"},
    },
    timestamp=7,
    language="en",
    planted=(Planted("Harriet Whitlock", Kind.NAME, Place.FREE_TEXT),),
)


@pytest.fixture
def report() -> Report:
    ledger = Ledger()
    for vendor in VendorName:
        ledger.endings[7, vendor] = {
            "event": "Support Ticket Opened",
            "properties": {
                "distinct_id": "w4dxcmbxuzvequwywo5scugruma",
                "body": "<PERSON> has left,\nsorry.",
                "priority": "low",
            },
        }
        ledger.sent[vendor] = 1
    ledger.endings[7, VendorName.GA4] = SuppressReason.CONSENT
    ledger.endings[7, VendorName.SEGMENT] = DeadLetter("shape", "payload_too_large")
    ledger.suppressed[VendorName.GA4, SuppressReason.CONSENT] = 1
    ledger.dead_lettered[None, DeadLetter("decode", "malformed_json")] = 2
    audit = AuditResult(outputs=5, needles=9)
    audit.planted[Bin(Place.FREE_TEXT, Kind.NAME)] = 4
    audit.found[Bin(Place.FREE_TEXT, Kind.NAME)] = 1
    return Report(choose([EVENT], ledger), ledger, audit, 3, Stopwatch(lambda _, __: None))


def printed(report: Report, width: int, *, terminal: bool, no_color: bool = False) -> str:
    file = StringIO()
    system: Literal["truecolor"] | None = "truecolor" if terminal else None
    report.print(
        Console(file=file, width=width, force_terminal=terminal, color_system=system, no_color=no_color)
    )
    return file.getvalue()


@pytest.mark.parametrize("width", [80, 120, 200])
def test_without_colours_the_removed_parts_are_marked(report: Report, width: int) -> None:
    for text in (
        printed(report, width, terminal=False),
        re.sub(r"\x1b\[[0-9;]*m", "", printed(report, width, terminal=True, no_color=True)),
    ):
        assert "[-Harriet Whitlock-] has left," in text
        assert "[-usr_1-]" in text
        assert "<PERSON> has left," in text
        assert "suppressed: consent" in text
        assert "dead-lettered:" in text
        assert "payload_too_large" in text
        assert max(len(line) for line in text.splitlines()) <= width


def test_on_a_terminal_they_are_struck(report: Report) -> None:
    text = printed(report, 120, terminal=True)
    assert "\x1b[9;31mHarriet Whitlock\x1b[0m" in text
    assert "[-" not in text


def test_it_says_what_was_found_by_count_alone(report: Report) -> None:
    text = " ".join(printed(report, 120, terminal=False).split())
    assert "name 4 1 25.0%" in text
    assert "1 from free text (25.0%)" in text
    assert "malformed_json 2" in text
    assert "Harriet" not in json.dumps(report.as_json())


def test_it_is_clean_only_if_nothing_structured_came_out(report: Report) -> None:
    before = report.as_json()
    assert before["clean"] is True
    report.audit.found[Bin(Place.STRUCTURED, Kind.EMAIL)] = 1
    assert not report.clean
    assert "1 structured identity values came out" in printed(report, 120, terminal=False)


def test_it_is_clean_only_if_no_value_of_another_event_came_out(report: Report) -> None:
    report.audit.strange[Kind.TOKEN] = 1
    assert not report.clean


def test_it_is_clean_only_if_everything_is_accounted_for(report: Report) -> None:
    report.ledger.unaccounted = 2
    assert not report.clean
    assert "2 outcomes are missing or twice" in printed(report, 120, terminal=False)


def test_the_picture_is_an_image_that_needs_nothing_from_outside(report: Report) -> None:
    picture = report.picture()
    root = ET.fromstring(picture)
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert set(re.findall(r"https?://[^\"<\s]+", picture)) == {"http://www.w3.org/2000/svg"}
    assert "Harriet" in picture
