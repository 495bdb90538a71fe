"""From files to plans."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from service.events.event import CallType
from service.policy import load
from service.policy.action_specs import Guard, Keep, Mask, Scrub, TimeUnit
from service.policy.entities import Entity
from service.policy.plan import BreakerRule, FieldRule
from service.policy.vendor_names import VendorName

SMALL_POLICY = Path(__file__).parents[2] / "golden" / "policy"


def change(file: Path, old: str, new: str) -> None:
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new, 1), encoding="utf-8")


@pytest.fixture
def small(tmp_path: Path) -> Path:
    for file in SMALL_POLICY.rglob("*.yaml"):
        copy = tmp_path / file.relative_to(SMALL_POLICY)
        copy.parent.mkdir(exist_ok=True)
        copy.write_bytes(file.read_bytes())
    return tmp_path


def rules(config: Path, event: str = "Feedback Submitted") -> dict[str, FieldRule]:
    plan = next(plan for plan in load(config).vendors if plan.vendor is VendorName.MIXPANEL)
    return {rule.dotted: rule for rule in plan.tracked[event]}


def test_vendors_come_in_the_order_of_their_names_type(small: Path) -> None:
    assert [plan.vendor for plan in load(small).vendors] == list(VendorName)


def test_rules_are_sorted_by_path_and_hold_no_dropped_field(small: Path) -> None:
    found = rules(small)
    assert list(found) == sorted(found)
    assert "properties.comment" not in found
    assert "context.ip" not in found
    assert found["context.page.path"].path == ("context", "page", "path")


def test_an_override_takes_the_place_of_the_class_action(small: Path) -> None:
    assert rules(small, "Logged In")["properties.seats"].spec.action == "number_bucket"
    assert rules(small, "Logged In")["properties.mfa"].spec == Keep()


def test_a_field_guard_has_its_word_list_written_out(small: Path) -> None:
    assert rules(small)["properties.currency"].guard == Guard(type="word", enum=("EUR", "USD"))


def test_a_guard_without_a_type_is_of_a_string(small: Path) -> None:
    change(small / "tracking_plan.yaml", "type: word, enum: [low", "enum: [low")
    assert rules(small)["properties.priority"].guard == Guard(type="string", enum=("high", "low", "normal"))


def test_an_action_may_bring_its_own_guard(small: Path) -> None:
    change(small / "vendors" / "mixpanel.yaml", "category: keep", "category: {keep: {max_length: 3}}")
    assert rules(small)["properties.priority"].spec == Keep(guard=Guard(type="string", max_length=3))


def test_parameters_have_defaults_and_the_word_alone_means_them(small: Path) -> None:
    plan = next(plan for plan in load(small).vendors if plan.vendor is VendorName.GA4)
    assert {rule.dotted: rule.spec for rule in plan.tracked["Logged In"]}["timestamp"] == TimeUnit()


def test_mask_keeps_its_parameters(small: Path) -> None:
    change(
        small / "vendors" / "mixpanel.yaml",
        "web.path: {generalize: url_path}",
        "web.path: {mask: {pattern: '/[a-z]+', keep_last: 3}}",
    )
    assert rules(small)["context.page.path"].spec == Mask(pattern="/[a-z]+", keep_last=3)


def test_scrub_with_pseudonyms_is_given_the_key_purpose_of_the_class(small: Path) -> None:
    assert rules(small)["properties.subject"].key_purpose is None
    change(
        small / "vendors" / "mixpanel.yaml",
        "text.short: scrub",
        "text.short: {scrub: {pseudonymize: [PERSON]}}",
    )
    change(small / "vendors" / "mixpanel.yaml", "key_purposes:", "key_purposes:\n  text.short: text")
    rule = rules(small)["properties.subject"]
    assert rule.spec == Scrub(pseudonymize=frozenset({Entity.PERSON}))
    assert rule.key_purpose == "text"


def test_consent_as_a_word_denies_where_it_is_absent(small: Path) -> None:
    by_vendor = {plan.vendor: plan.consent for plan in load(small).vendors}
    assert by_vendor[VendorName.GA4].when_absent == "deny"
    assert by_vendor[VendorName.MIXPANEL].when_absent == "allow"


def test_a_call_of_no_field_of_its_own_still_gets_the_common_ones(small: Path) -> None:
    plan = next(plan for plan in load(small).vendors if plan.vendor is VendorName.MIXPANEL)
    assert "userId" in {rule.dotted for rule in plan.calls[CallType.GROUP]}


@pytest.mark.parametrize(
    ("section", "rule"),
    [
        ("", BreakerRule(10, 1000, None)),
        ("breaker: {close_after: never}", BreakerRule(10, 1000, None)),
        ("breaker: {gate_hits: 3, per_events: 50, close_after: 90s}", BreakerRule(3, 50, 90)),
        ("breaker: {close_after: 30m}", BreakerRule(10, 1000, 1800)),
        ("breaker: {close_after: 2h}", BreakerRule(10, 1000, 7200)),
        ("breaker: {close_after: 7d}", BreakerRule(10, 1000, 604_800)),
    ],
)
def test_a_vendor_always_has_a_breaker(small: Path, section: str, rule: BreakerRule) -> None:
    change(small / "vendors" / "mixpanel.yaml", "calls:", f"{section}\ncalls:")
    plan = next(plan for plan in load(small).vendors if plan.vendor is VendorName.MIXPANEL)
    assert plan.breaker == rule


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("tracking_plan.yaml", "# A small policy", "# Another comment; a small policy"),
        ("tracking_plan.yaml", "An IP address.", "An address of a network."),
        ("tracking_plan.yaml", "[low, normal, high]", "[high, low, normal]"),
        ("tracking_plan.yaml", "{class: network.ip}", "\n    class: 'network.ip'"),
        ("tracking_plan.yaml", "  - contact.email\n  - person.name", "  - person.name\n  - contact.email"),
        (
            "vendors/mixpanel.yaml",
            "  measure: keep\n  category: keep",
            "  category: keep\n\n  measure: 'keep'",
        ),
        ("vendors/mixpanel.yaml", "calls: [identify, group, alias]", "calls: [alias, group, identify]"),
        ("vendors/mixpanel.yaml", "{time_unit: {unit: second}}", "time_unit"),
        ("vendors/mixpanel.yaml", "calls:", "breaker: {close_after: never, gate_hits: 10}\ncalls:"),
        ("vendors/mixpanel.yaml", "vendor: mixpanel\ntopic: vendor.mixpanel.events",
         "topic: vendor.mixpanel.events\nvendor: mixpanel"),
    ],
)  # fmt: skip
def test_the_fingerprint_does_not_depend_on_how_a_file_is_written(
    small: Path, file: str, old: str, new: str
) -> None:
    before = load(small).fingerprint
    change(small / file, old, new)
    assert load(small).fingerprint == before


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("tracking_plan.yaml", "maximum: 5000", "maximum: 5001"),
        ("tracking_plan.yaml", "[low, normal, high]", "[low, normal]"),
        ("tracking_plan.yaml", "[EUR, USD]", "[EUR, GBP]"),
        ("tracking_plan.yaml", "  - person.name\n", ""),
        ("vendors/mixpanel.yaml", "text.short: scrub", "text.short: drop"),
        ("vendors/ga4.yaml", "events: [Logged In]", "events: [Feedback Submitted]"),
        ("vendors/mixpanel.yaml", "comment: drop", "comment: {mask: {pattern: x, keep_last: 1}}"),
        ("vendors/mixpanel.yaml", "{step: 100}", "{step: 200}"),
        ("vendors/mixpanel.yaml", "when_absent: allow", "when_absent: deny"),
        ("vendors/mixpanel.yaml", "topic: vendor.mixpanel.events", "topic: mixpanel"),
        ("vendors/mixpanel.yaml", "identifier.user: user", "identifier.user: person"),
        ("vendors/mixpanel.yaml", "calls:", "breaker: {gate_hits: 11}\ncalls:"),
    ],
)  # fmt: skip
def test_the_fingerprint_changes_with_what_the_policy_says(
    small: Path, file: str, old: str, new: str
) -> None:
    before = load(small).fingerprint
    change(small / file, old, new)
    assert load(small).fingerprint != before


def test_the_fingerprint_is_the_same_in_every_process(small: Path) -> None:
    change(
        small / "vendors" / "mixpanel.yaml",
        "text.short: scrub",
        "text.short: {scrub: {pseudonymize: [PERSON, USER_NAME, EMAIL_ADDRESS, PHONE_NUMBER]}}",
    )
    change(small / "vendors" / "mixpanel.yaml", "key_purposes:", "key_purposes:\n  text.short: text")
    program = "import sys, pathlib, service.policy as p; print(p.load(pathlib.Path(sys.argv[1])).fingerprint)"
    found = {
        subprocess.run(
            [sys.executable, "-c", program, str(small)],
            check=True,
            capture_output=True,
            text=True,
            env={**os.environ, "PYTHONHASHSEED": seed},
        ).stdout
        for seed in ("1", "2", "3")
    }
    assert found == {f"{load(small).fingerprint}\n"}
