"""Why each vendor gets what it gets: every way in which a field goes out or stays behind."""

import json
from pathlib import Path
from typing import Any

import pytest

from service.detection.spans import Advantage
from service.events.event import Rejection, RejectReason
from service.policy.entities import Entity
from service.policy.loader import load_files
from service.policy.models import TrackingPlanFile, VendorFile
from service.policy.vendor_names import VendorName
from service.sanitize.explanation import Explained, ExplainedField, Fate, Verdict, explain
from service.sanitize.outcomes import Sent, Suppressed
from service.sanitize.sanitizer import Sanitizer

COMMENT = "Maria Silva, maria.silva@example.org, asked Ottilie"
EVENT: dict[str, Any] = {
    "type": "track",
    "event": "Feedback Submitted",
    "messageId": "m-1",
    "userId": "usr-77120",
    "anonymousId": "a-55021",
    "timestamp": "2026-11-03T12:34:56Z",
    "integrations": {"Amplitude": False},
    "context": {
        "ip": "203.0.113.9",
        "locale": None,
        "page": {"url": "https://console.example.com/maria-billing/settings?utm_source=Maria+Silva"},
        "traits": {"name": "Ottilie Brandner", "maria.silva@example.org": True},
    },
    "properties": {"rating": 9, "comment": COMMENT, "mood": {"today": "fine"}},
}


@pytest.fixture(scope="module")
def files(config_dir: Path) -> tuple[TrackingPlanFile, dict[VendorName, VendorFile]]:
    return load_files(config_dir)


@pytest.fixture(scope="module")
def explained(
    sanitizer: Sanitizer, files: tuple[TrackingPlanFile, dict[VendorName, VendorFile]]
) -> Explained:
    found = explain(sanitizer, *files, json.dumps(EVENT).encode())
    assert isinstance(found, Explained)
    return found


@pytest.fixture(scope="module")
def fields(explained: Explained) -> dict[str, ExplainedField]:
    return {field.path: field for field in explained.fields}


def test_the_outcomes_are_those_of_sanitize(explained: Explained, sanitizer: Sanitizer) -> None:
    assert explained.trace.outcomes == sanitizer.sanitize([json.dumps(EVENT).encode()]).outcomes[0]
    assert any(isinstance(outcome, Suppressed) for outcome in explained.trace.outcomes)


def test_what_is_said_to_be_sent_is_in_the_payload_and_nothing_else_is(
    explained: Explained, fields: dict[str, ExplainedField]
) -> None:
    scrubbed = fields["properties.comment"].treatments[VendorName.SEGMENT].value
    assert scrubbed == "<PERSON>, <EMAIL_ADDRESS>, asked <IDENTITY>"
    for outcome in explained.trace.outcomes:
        if isinstance(outcome, Sent):
            there = str(scrubbed).encode() in outcome.value
            assert there == (fields["properties.comment"].treatments[outcome.vendor].fate is Fate.SENT)


@pytest.mark.parametrize(
    ("path", "vendor", "fate"),
    [
        ("userId", VendorName.MIXPANEL, Fate.SENT),
        ("userId", VendorName.AMPLITUDE, Fate.NO_EVENT),
        ("context.ip", VendorName.MIXPANEL, Fate.NO_ACTION),
        ("context.ip", VendorName.SEGMENT, Fate.SENT),
        ("properties.rating", VendorName.SEGMENT, Fate.REFUSED),
        ("context.locale", VendorName.SEGMENT, Fate.NULL),
        ("properties.mood.today", VendorName.SEGMENT, Fate.UNCLASSIFIED),
        ("integrations", VendorName.SEGMENT, Fate.ROUTING),
        ("type", VendorName.AMPLITUDE, Fate.ROUTING),
    ],
)
def test_every_field_says_why(
    fields: dict[str, ExplainedField], path: str, vendor: VendorName, fate: Fate
) -> None:
    assert fields[path].treatments[vendor].fate is fate
    assert fields[path].treatments.keys() == set(VendorName)


def test_a_field_that_a_vendor_drops_says_by_which_line(
    sanitizer: Sanitizer, files: tuple[TrackingPlanFile, dict[VendorName, VendorFile]]
) -> None:
    ticket = {**EVENT, "event": "Support Ticket Opened", "properties": {"body": "It is broken."}}
    found = explain(sanitizer, *files, json.dumps(ticket).encode())
    assert isinstance(found, Explained)
    (body,) = (field for field in found.fields if field.path == "properties.body")
    assert body.treatments[VendorName.MIXPANEL].fate is Fate.FIELD_DROPPED
    plan, vendors = files
    segment = vendors[VendorName.SEGMENT]
    dropping = segment.model_copy(update={"actions": {**segment.actions, "network.ip": "drop"}})
    found = explain(sanitizer, plan, {VendorName.SEGMENT: dropping}, json.dumps(EVENT).encode())
    assert isinstance(found, Explained)
    (address,) = (field for field in found.fields if field.path == "context.ip")
    assert address.treatments == {VendorName.SEGMENT: address.treatments[VendorName.SEGMENT]}
    assert address.treatments[VendorName.SEGMENT].fate is Fate.CLASS_DROPPED


def test_every_leaf_of_the_event_is_there_once(fields: dict[str, ExplainedField]) -> None:
    assert list(fields) == [
        "type",
        "event",
        "messageId",
        "userId",
        "anonymousId",
        "timestamp",
        "integrations",
        "context.ip",
        "context.locale",
        "context.page.url",
        "context.traits.name",
        "context.traits.:key",
        "properties.rating",
        "properties.comment",
        "properties.mood.today",
    ]


def test_findings_say_who_won_and_why(fields: dict[str, ExplainedField]) -> None:
    findings = fields["properties.comment"].findings
    mail = next(f for f in findings if f.span.entity is Entity.EMAIL_ADDRESS and f.result is Verdict.STANDS)
    name = next(f for f in findings if f.span[:2] == (13, 24) and f.span.entity is Entity.PERSON)
    assert COMMENT[mail.span.start : mail.span.end] == "maria.silva@example.org"
    assert name.result is Verdict.COVERED
    assert name.winners == ((mail.span, Advantage.LONGER),)
    assert name.vendors == (VendorName.MIXPANEL, VendorName.POSTHOG, VendorName.SEGMENT)
    assert [f.span.entity for f in findings if f.result is Verdict.STANDS] == [
        "PERSON",
        "EMAIL_ADDRESS",
        "IDENTITY",
    ]


def test_the_texts_of_an_address_are_told_apart(fields: dict[str, ExplainedField]) -> None:
    url = fields["context.page.url"]
    assert url.texts == ("Example", "Maria Silva")
    assert {finding.part for finding in url.findings} == {1}
    assert any(finding.span[:2] == (0, len("Maria Silva")) for finding in url.findings)


def test_a_name_of_an_event_that_the_plan_does_not_know_is_not_given(
    sanitizer: Sanitizer, files: tuple[TrackingPlanFile, dict[VendorName, VendorFile]]
) -> None:
    unknown = json.dumps({**EVENT, "event": "Mail of maria.silva@example.org"}).encode()
    found = explain(sanitizer, *files, unknown)
    assert isinstance(found, Explained)
    assert found.name is None
    assert {t.fate for f in found.fields for t in f.treatments.values()} <= {
        Fate.NO_EVENT,
        Fate.ROUTING,
        Fate.UNCLASSIFIED,
    }


def test_no_event_is_explained_where_there_is_none(
    sanitizer: Sanitizer, files: tuple[TrackingPlanFile, dict[VendorName, VendorFile]]
) -> None:
    assert explain(sanitizer, *files, b"[1]") == Rejection(RejectReason.NOT_AN_OBJECT)


def test_what_holds_values_shows_none_in_its_repr(explained: Explained) -> None:
    for thing in (explained.trace, *explained.fields, *explained.trace.texts):
        assert "Maria" not in repr(thing)
