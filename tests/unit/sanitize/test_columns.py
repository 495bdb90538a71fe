"""What is remembered of values holds for each of them and for no other, whoever the event is about."""

import json
from collections.abc import Sequence
from itertools import permutations
from typing import Any, Final

import orjson
import pytest

from service.actions.registry import build
from service.events.json_value import JsonValue
from service.events.timestamps import format_timestamp
from service.policy.action_specs import ActionSpec, Guard, Keep, NumberBucket
from service.policy.plan import FieldRule
from service.policy.vendor_names import VendorName
from service.pseudonyms.encodings import alphanumeric, number_pair
from service.sanitize import columns
from service.sanitize.collector import Collector, Scans, write_collector
from service.sanitize.columns import (
    Cell,
    Field,
    KeyVersion,
    Leaves,
    PlainColumn,
    PseudonymColumn,
    PseudonymTarget,
    ValueColumn,
)
from service.sanitize.outcomes import BatchResult, Sent
from tests.applied_action import pseudonymizer
from tests.unit.sanitize.conftest import ROTATION, AskedDetector, MakeSanitizer, SmallPolicy, record

NUMBER: Final = Guard(type="number", minimum=0, maximum=5)
WORD: Final = Guard(type="word", pattern="[0-9a-z]+")
TEXT: Final = Guard(type="string", max_length=2000)


class OneField:
    """A field as the code for a kind of event sees it."""

    def __init__(self, path: str, column: Any) -> None:
        keys = tuple(path.split("."))
        self._keys = keys
        self._leaves = Leaves()
        made: ValueColumn = column(keys, self._leaves)
        self.field = Field(0, [made], [], self._leaves)
        self._collector: Collector = write_collector({keys: self.field})
        self.version = KeyVersion(dict.fromkeys(VendorName, pseudonymizer()), 1)

    def cell(self, value: JsonValue) -> Cell:
        body: JsonValue = value
        for key in reversed(self._keys):
            body = {key: body}
        assert isinstance(body, dict)
        cells: list[Cell] = []
        scans: Scans = []
        self._collector.collect(body, self.version, self.version.known, cells, scans)
        (cell,) = cells
        return cell

    def seen(self, value: JsonValue) -> tuple[object, ...]:
        """What becomes of a value, so far as it can be compared with another field's."""
        cell = self.cell(value)
        return cell.encoded, cell.values, tuple(map(type, cell.values)), bool(cell.noted), bool(cell.open)


def one_field(spec: ActionSpec, guard: Guard | None = None, path: str = "properties.x") -> OneField:
    def column(keys: tuple[str, ...], leaves: Leaves) -> ValueColumn:
        rule = FieldRule(keys, path, "a.class", guard, spec, "user")
        return PlainColumn(rule, leaves, build(rule, lambda _: alphanumeric))

    return OneField(path, column)


def pseudonyms(path: str = "properties.x") -> OneField:
    targets = [
        PseudonymTarget(VendorName.MIXPANEL, "user", alphanumeric),
        PseudonymTarget(VendorName.GA4, "user", number_pair),
    ]

    def column(keys: tuple[str, ...], leaves: Leaves) -> ValueColumn:
        rule = FieldRule(keys, path, "a.class", None, Keep(), "user")
        return PseudonymColumn(rule, leaves, targets)

    return OneField(path, column)


MAKERS: Final[dict[str, Any]] = {
    "number": lambda: one_field(Keep(guard=NUMBER)),
    "integer": lambda: one_field(Keep(guard=NUMBER.model_copy(update={"type": "integer"}))),
    "switch": lambda: one_field(Keep(guard=Guard(type="boolean"))),
    "word": lambda: one_field(Keep(guard=WORD)),
    "bucket": lambda: one_field(NumberBucket(bounds=(1, 3))),
    "pseudonym": pseudonyms,
    "of a session": lambda: one_field(Keep(guard=NUMBER), path="context.x"),
}


@pytest.mark.parametrize("make", list(MAKERS.values()), ids=list(MAKERS))
@pytest.mark.parametrize("values", [(1, 1.0, True, "1"), (0, 0.0, False, "0", -0.0)])
def test_values_that_are_equal_but_for_their_type_are_never_confused(
    make: Any, values: Sequence[JsonValue]
) -> None:
    alone = {repr(value): make().seen(value) for value in values}
    for order in permutations(values):
        field = make()
        for value in order * 3:
            assert field.seen(value) == alone[repr(value)], order


def test_numbers_switches_and_words_are_not_the_same_to_begin_with() -> None:
    """Or the test above could not fail."""
    assert one_field(Keep(guard=NUMBER)).cell(1).encoded == (b"1",)
    assert one_field(Keep(guard=NUMBER)).cell("1").encoded == ()
    switch: JsonValue = True
    assert one_field(Keep(guard=NUMBER)).cell(switch).encoded == ()
    assert pseudonyms().cell(switch).encoded == ()
    assert len(pseudonyms().cell(1).encoded) == 2


def test_a_value_is_remembered_from_the_second_time_on() -> None:
    field = one_field(Keep(guard=WORD))
    once, twice, thrice = (field.cell("abc") for _ in range(3))
    assert once is not twice
    assert twice is thrice
    assert field.version.known[0].keys() == {"abc"}


@pytest.mark.parametrize("path", ["userId", "context.x", "context.traits.x"])
def test_what_comes_with_a_session_is_remembered_at_once(path: str) -> None:
    field = one_field(Keep(guard=WORD), path=path)
    assert field.cell("abc") is field.cell("abc")


@pytest.mark.parametrize("path", ["messageId", "timestamp"])
def test_what_never_comes_again_is_not_remembered(path: str) -> None:
    field = one_field(Keep(guard=WORD), path=path)
    for _ in range(4):
        field.cell("abc")
    assert not field.version.known[0]


def test_neither_long_values_nor_fractions_nor_lists_are_remembered() -> None:
    field = one_field(Keep(guard=TEXT))
    values: list[JsonValue] = ["x" * 257, 0.5, ["x"], {"x": 1}]
    for value in values:
        for _ in range(4):
            field.cell(value)
    assert not field.version.known[0]
    for _ in range(2):
        field.cell("x" * 256)
    assert len(field.version.known[0]) == 1


def test_what_is_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(columns, "_REMEMBERED", 5)
    monkeypatch.setattr(columns, "_SEEN", 7)
    field = one_field(Keep(guard=WORD))
    known, memory = field.version.known[0], field.version.memory
    for _ in range(3):
        for number in range(40):
            for _ in range(3):
                assert field.cell(f"w{number}").values == (f"w{number}",)
            assert len(known) <= 5
            assert len(memory._seen) <= 7
    assert known


# Known values

URLS: Final = SmallPolicy(
    {
        "context.page.url": {"class": "web.url"},
        "context.page.title": {"class": "text.short"},
        "properties.path": {"class": "web.path"},
        "properties.note": {"class": "text.short"},
        "properties.label": {"class": "note", "type": "string", "max_length": 80},
    },
    {
        "web.url": {"generalize": "url_template"},
        "web.path": {"generalize": "url_path"},
        "text.short": "scrub",
        "note": "keep",
    },
)


def of_pumpkin_pie(user: str) -> bytes:
    return record(
        {"path": "/docs/pumpkin-pie", "note": "on pumpkin-pie", "label": "pumpkin-pie week"},
        user=user,
        context={"page": {"url": "https://app.example.com/pumpkin-pie", "title": "a PUMPKIN_PIE report"}},
    )


def shown(result: BatchResult, vendor: VendorName = VendorName.SEGMENT) -> dict[str, Any]:
    """The payload for a vendor of the one record of a batch."""
    (outcomes,) = result.outcomes
    (payload,) = [
        orjson.loads(outcome.value)
        for outcome in outcomes
        if isinstance(outcome, Sent) and outcome.vendor is vendor
    ]
    assert isinstance(payload, dict)
    return payload


@pytest.mark.parametrize("before", range(4), ids=["never", "once", "twice", "thrice"])
def test_nothing_remembered_hides_whose_event_it_is(make_sanitizer: MakeSanitizer, before: int) -> None:
    warm, cold = make_sanitizer(URLS), make_sanitizer(URLS)
    for number in range(before):
        clean = warm.sanitize([of_pumpkin_pie(f"usr_{number}")])
        assert shown(clean)["context"]["page"]["url"] == "https://app.example.com/pumpkin-pie"
        assert shown(clean)["properties"]["label"] == "pumpkin-pie week"
        assert not clean.gate_hits
    own = warm.sanitize([of_pumpkin_pie("pumpkin-pie")])
    payload = shown(own)
    assert payload["context"]["page"] == {
        "url": "https://app.example.com/:id",
        "title": "a <IDENTITY> report",
    }
    assert payload["properties"] == {
        "path": "/docs/:id",
        "note": "on <IDENTITY>",
        "label": "<IDENTITY> week",
    }
    # The kept label is what only the gate could find, for each vendor.
    assert sum(own.gate_hits.values()) == len(VendorName)
    expected = cold.sanitize([of_pumpkin_pie("pumpkin-pie")])
    assert (own.outcomes, own.remarks, own.gate_hits) == (
        expected.outcomes,
        expected.remarks,
        expected.gate_hits,
    )
    assert (
        warm.sanitize([of_pumpkin_pie("usr_9")]).outcomes == cold.sanitize([of_pumpkin_pie("usr_9")]).outcomes
    )


def test_what_is_redacted_for_one_is_not_remembered_for_others(make_sanitizer: MakeSanitizer) -> None:
    sanitizer = make_sanitizer(URLS)
    for _ in range(3):
        assert (
            b"umpkin" not in json.dumps(shown(sanitizer.sanitize([of_pumpkin_pie("pumpkin-pie")]))).encode()
        )
    page = shown(sanitizer.sanitize([of_pumpkin_pie("usr_1")]))["context"]["page"]
    assert page["title"] == "a PUMPKIN_PIE report"


def test_a_value_that_two_fields_share_is_remembered_for_each(make_sanitizer: MakeSanitizer) -> None:
    """A text in one field is clean; the same in another one must be asked about all the same."""
    sanitizer = make_sanitizer(URLS)
    for _ in range(3):
        sanitizer.sanitize([record({"note": "pumpkin-pie"}, user="usr_1")])
    result = sanitizer.sanitize([record({"note": "plain", "label": "pumpkin-pie"}, user="pumpkin-pie")])
    assert shown(result)["properties"] == {"note": "plain", "label": "<IDENTITY>"}


# The language


def test_a_text_is_searched_again_where_its_language_is_another(
    make_sanitizer: MakeSanitizer, detector: AskedDetector
) -> None:
    sanitizer = make_sanitizer(URLS)

    def asked(locale: str | None) -> list[tuple[str, str | None]]:
        detector.asked.clear()
        context = {} if locale is None else {"locale": locale}
        sanitizer.sanitize([record({"note": "a clean report"}, context=context)])
        return [(request.text, request.locale) for request in detector.asked]

    assert asked("en-GB") == asked(None) == [("a clean report", None)]
    assert asked("de") == []  # says no more than none does
    assert asked("fr-CA") == asked("fr") == [("a clean report", "fr")]
    assert asked("FR") == asked("en") == []


# Keys


PEOPLE: Final = SmallPolicy(
    {
        "properties.owner": {"class": "identifier.user"},
        "properties.note": {"class": "text.short"},
        "properties.plan": {"class": "note", "type": "string", "max_length": 80},
    },
    {"text.short": {"scrub": {"pseudonymize": ["PERSON"]}}, "note": "keep"},
)


def at(seconds: int, note: str = "ask Ottilie Brandner") -> bytes:
    return record({"owner": 42, "note": note, "plan": "team"}, timestamp=format_timestamp(seconds))


def test_a_value_remembered_before_a_rotation_has_another_pseudonym_after_it(
    make_sanitizer: MakeSanitizer,
) -> None:
    warm = make_sanitizer(PEOPLE)
    moments = [ROTATION - 10] * 3 + [ROTATION + 10] * 3 + [ROTATION - 1, ROTATION]
    seen = [warm.sanitize([at(moment)]) for moment in moments]
    for moment, result in zip(moments, seen, strict=True):
        assert result.outcomes == make_sanitizer(PEOPLE).sanitize([at(moment)]).outcomes
    old, new = shown(seen[0]), shown(seen[3])
    assert (old["userId"], old["properties"]["owner"]) != (new["userId"], new["properties"]["owner"])
    assert not {old["userId"], old["messageId"], old["anonymousId"]} & {*map(str, new.values())}
    assert old["properties"]["owner"] != new["properties"]["owner"]
    assert old["properties"]["plan"] == new["properties"]["plan"] == "team"
    assert old["properties"]["note"] != new["properties"]["note"]
    assert old["properties"]["note"].startswith("ask <PERSON:")
    headers = {
        dict(outcome.headers)["weir-key"] for outcome in seen[3].outcomes[0] if isinstance(outcome, Sent)
    }
    assert headers == {b"k2"}


def test_in_one_batch_each_event_has_the_keys_of_its_time(make_sanitizer: MakeSanitizer) -> None:
    moments = [ROTATION - 10, ROTATION + 10] * 4
    together = make_sanitizer(PEOPLE).sanitize([at(moment) for moment in moments])
    alone = [make_sanitizer(PEOPLE).sanitize([at(moment)]).outcomes[0] for moment in moments[:2]]
    assert together.outcomes == alone * 4
