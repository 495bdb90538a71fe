"""What the policy says of entities in texts, and what no allow list may hold."""

import json
import shutil
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.cli.app import run
from service.policy import load
from service.policy.entities import Entity
from service.policy.listed_words import why_not_allowed
from service.policy.mistakes import PolicyMistakesError
from service.policy.plan import EntityPolicy
from service.policy.vendor_names import VendorName
from service.sanitize import gate_patterns

SMALL_POLICY = Path(__file__).parents[2] / "golden" / "policy"
FOR_ALL = """
entities:
  thresholds: {PERSON: 0.6, STREET_ADDRESS: 0.5}
  allow: [Madison theme, Jenkins]
  deny: {SECRET: [Nightjar, Project Owl]}
"""
FOR_ONE = """
entities:
  thresholds: {PERSON: 0.5}
  allow: [Grafana]
  deny: {PERSON: [Nightjar], SECRET: [jenkins]}
"""


@pytest.fixture
def small(tmp_path: Path) -> Path:
    return Path(shutil.copytree(SMALL_POLICY, tmp_path / "config"))


def append(file: Path, section: str) -> None:
    file.write_text(file.read_text(encoding="utf-8") + section, encoding="utf-8")


def entities(config: Path) -> dict[VendorName, EntityPolicy]:
    return {plan.vendor: plan.entities for plan in load(config).vendors}


def test_without_a_section_every_finding_counts(small: Path) -> None:
    assert set(entities(small).values()) == {EntityPolicy()}


def test_a_vendors_file_adds_to_the_tracking_plan_and_may_say_otherwise(small: Path) -> None:
    append(small / "tracking_plan.yaml", FOR_ALL)
    append(small / "vendors" / "mixpanel.yaml", FOR_ONE)
    found = entities(small)
    assert found[VendorName.GA4] == EntityPolicy(
        thresholds=((Entity.PERSON, 0.6), (Entity.STREET_ADDRESS, 0.5)),
        allow=("Jenkins", "Madison theme"),
        deny=(("Nightjar", Entity.SECRET), ("Project Owl", Entity.SECRET)),
    )
    assert found[VendorName.MIXPANEL] == EntityPolicy(
        thresholds=((Entity.PERSON, 0.5), (Entity.STREET_ADDRESS, 0.5)),
        allow=("Grafana", "Jenkins", "Madison theme"),
        deny=(
            ("Nightjar", Entity.PERSON),
            ("Project Owl", Entity.SECRET),
            ("jenkins", Entity.SECRET),
        ),
    )


@pytest.mark.parametrize(
    ("section", "message"),
    [
        ("thresholds: {PERSON: 0.6}", "needless: the tracking plan says the same for all vendors"),
        ("allow: [JENKINS]", "needless: the tracking plan allows 'JENKINS' for all vendors"),
        ("deny: {SECRET: [nightjar]}", "needless: the tracking plan denies 'nightjar' for all vendors"),
        ("allow: [nightjar]", "'nightjar' is denied as well, which is stronger: choose one"),
    ],
)
def test_a_vendors_file_must_not_repeat_or_weaken_the_tracking_plan(
    small: Path, section: str, message: str
) -> None:
    append(small / "tracking_plan.yaml", FOR_ALL)
    append(small / "vendors" / "mixpanel.yaml", f"\nentities: {{{section}}}\n")
    with pytest.raises(PolicyMistakesError) as raised:
        load(small)
    assert [mistake.message for mistake in raised.value.mistakes] == [message]


def test_a_vendor_may_deny_what_is_allowed_to_all(small: Path) -> None:
    append(small / "tracking_plan.yaml", FOR_ALL)
    append(small / "vendors" / "mixpanel.yaml", "\nentities:\n  deny: {PERSON: [Jenkins]}\n")
    assert ("Jenkins", Entity.PERSON) in entities(small)[VendorName.MIXPANEL].deny


@pytest.mark.parametrize("file", ["tracking_plan.yaml", "vendors/mixpanel.yaml"])
@pytest.mark.parametrize(
    "section", ["thresholds: {PERSON: 0.55}", "allow: [Kafka]", "deny: {SECRET: [Owlet]}"]
)
def test_the_fingerprint_tells_of_each_word(small: Path, file: str, section: str) -> None:
    before = load(small).fingerprint
    append(small / file, f"\nentities: {{{section}}}\n")
    assert load(small).fingerprint != before


def test_the_order_of_entries_is_not_in_the_fingerprint(small: Path) -> None:
    prints = set()
    text = (small / "tracking_plan.yaml").read_text(encoding="utf-8")
    for words in ("Jenkins, Kafka", "Kafka, Jenkins"):
        (small / "tracking_plan.yaml").write_text(f"{text}\nentities: {{allow: [{words}]}}\n")
        prints.add(load(small).fingerprint)
    assert len(prints) == 1


def test_show_lists_them(small: Path, capsys: pytest.CaptureFixture[str]) -> None:
    append(small / "tracking_plan.yaml", FOR_ALL)
    append(small / "vendors" / "mixpanel.yaml", FOR_ONE)
    assert run(["policy", "show", "--config", str(small)]) == 0
    lines = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    assert "all PERSON counts from a score of 0.6" in lines
    assert "all no PERSON or STREET_ADDRESS Madison theme, Jenkins" in lines
    assert "mixpanel always PERSON Nightjar" in lines
    assert run(["policy", "show", "--config", str(small), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["entities"]["deny"] == {"SECRET": ["Nightjar", "Project Owl"]}
    assert found["vendors"]["mixpanel"]["entities"]["thresholds"] == {"PERSON": 0.5}


@pytest.mark.parametrize(
    "entry",
    ["Madison", "Madison theme", "claude-opus", "llama-3.1-70b", "Area 51", "Notepad++", "O'Reilly", "Żabka",
     "AT&T", "customer-success-platform", "李明软件", "Windows 2000", "नमस्ते"],
)  # fmt: skip
def test_names_of_products_and_places_can_be_allowed(entry: str) -> None:
    assert why_not_allowed(entry) is None


PIECES = st.sampled_from(
    ["ana", "Lima", "@", ".", "-", "_", " ", "+", "/", ":", "sk-", "ghp_", "AKIA", "xoxb-", "eyJ", "test",
     "org", "192", "4111", "+49", "(415)", "GB82", "WEST", "555", "::", "at", "dot", "%40", "&#64;", "QWxh",
     "ZZZZ", "live", "hf_", "-----BEGIN"]
) | st.text(min_size=1, max_size=6)  # fmt: skip


@given(st.lists(PIECES, min_size=1, max_size=8).map("".join))
def test_nothing_that_the_gate_knows_can_be_allowed(entry: str) -> None:
    if why_not_allowed(entry) is None:
        assert gate_patterns.search(entry) == []
