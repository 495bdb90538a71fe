"""`weir policy check` and `weir policy show`."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from service.cli.app import run
from service.policy import load
from service.policy.vendor_names import VendorName
from tests.unit.policy.conftest import CONFIG


@pytest.fixture
def broken(config: Path) -> Path:
    """The reference policy with one mistake in line 7 of a vendor's file, and one in another's."""
    for name, old, new in (
        ("mixpanel", "integration: Mixpanel", "integration: Mixpanl"),
        ("ga4", "category: keep", "categry: keep"),
    ):
        file = config / "vendors" / f"{name}.yaml"
        file.write_text(file.read_text().replace(old, new))
    return config


def shown(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert run(["policy", "show", "--config", str(CONFIG), *arguments]) == 0
    printed = capsys.readouterr()
    assert printed.err == ""
    return printed.out


def test_check_of_a_good_policy_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["policy", "check", "--config", str(CONFIG)]) == 0
    printed = capsys.readouterr().out
    assert f"No mistakes in the policy in {CONFIG}." in printed
    assert load(CONFIG).fingerprint in printed


def test_check_takes_its_folder_from_the_settings(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WEIR_CONFIG_DIR", str(CONFIG))
    assert run(["policy", "check"]) == 0
    assert str(CONFIG) in capsys.readouterr().out


def test_check_lists_mistakes_one_a_line_and_exits_1(
    broken: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["policy", "check", "--config", str(broken)]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"2 mistakes in the policy in {broken}:"
    assert lines[1].startswith(f"{broken}/vendors/ga4.yaml:")
    assert lines[1].endswith("unknown class 'categry'; did you mean category?")
    assert lines[2] == (
        f"{broken}/vendors/mixpanel.yaml:7:14: unknown integration 'Mixpanl'; did you mean Mixpanel?"
    )
    assert len(lines) == 3


def test_check_answers_machines(broken: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["policy", "check", "--config", str(broken), "--json"]) == 1
    found = json.loads(capsys.readouterr().out)
    assert found["ok"] is False
    assert found["mistakes"][1] == {
        "file": f"{broken}/vendors/mixpanel.yaml",
        "line": 7,
        "column": 14,
        "message": "unknown integration 'Mixpanl'; did you mean Mixpanel?",
    }
    assert run(["policy", "check", "--config", str(CONFIG), "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {
        "ok": True,
        "fingerprint": load(CONFIG).fingerprint,
        "mistakes": [],
    }


def test_show_of_a_bad_policy_is_a_configuration_error(
    broken: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["policy", "show", "--config", str(broken)]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "vendors/mixpanel.yaml:7:14" in printed.err


@pytest.mark.parametrize("columns", [80, 100, 120])
def test_show_fits_the_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, columns: int
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    lines = shown(capsys).splitlines()
    tables = [line.rstrip() for line in lines if not line.startswith("Fingerprint")]
    assert max(map(len, tables)) <= columns
    assert not any("\u2026" in line for line in lines), "something was cut off"


def test_show_has_a_row_for_each_class_and_a_column_for_each_vendor(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "120")
    lines = [line.split() for line in shown(capsys).splitlines()]
    assert ["data", "class", *VendorName] in lines
    assert ["locale.timezone", "-", "-", "keep", "-", "-"] in lines
    assert ["text.long", "scrub*", "-", "scrub", "scrub", "-"] in lines
    assert ["person.name", "-", "-", "-", "-", "-"] in lines
    assert ["mixpanel", "properties.body", "text.long", "dropped"] in lines
    assert ["amplitude", "properties.query", "text.short", "scrub"] in lines
    assert ["ga4", "10", "gate", "hits", "in", "1000", "events", "after", "1h"] in lines


def test_show_of_one_vendor_has_its_column_only(capsys: pytest.CaptureFixture[str]) -> None:
    lines = [line.split() for line in shown(capsys, "--vendor", "segment").splitlines()]
    assert ["data", "class", "segment"] in lines
    assert ["network.ip", "network", "/24,", "/48"] in lines
    assert not any("amplitude" in line for line in lines)


def test_show_explains_its_words_and_only_those_it_uses(capsys: pytest.CaptureFixture[str]) -> None:
    assert "* see the fields above" in shown(capsys)
    assert "*" not in shown(capsys, "--vendor", "ga4")


def test_show_tells_where_only_an_operator_closes_a_breaker(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = config / "vendors" / "ga4.yaml"
    text = file.read_text()
    file.write_text(text.replace("close_after: 1h", "close_after: never"))
    assert run(["policy", "show", "--config", str(config), "--vendor", "ga4"]) == 0
    assert "by an operator" in capsys.readouterr().out


def test_show_answers_machines(capsys: pytest.CaptureFixture[str]) -> None:
    found = json.loads(shown(capsys, "--json"))
    assert found["fingerprint"] == load(CONFIG).fingerprint
    assert list(found["vendors"]) == list(VendorName)
    mixpanel = found["vendors"]["mixpanel"]
    assert mixpanel["actions"]["time"] == {"generalize": {"time_unit": {"unit": "second"}}}
    assert mixpanel["actions"]["secret"] == "drop"
    assert mixpanel["breaker"] == {"gate_hits": 10, "per_events": 1000, "close_after": "1h"}
    assert mixpanel["fields"]["properties.stack"] == "drop"
    assert mixpanel["actions"].keys() == found["classes"].keys()
    assert found["classes"]["person.name"] == {"meaning": "The name of a person.", "identity": True}


@pytest.mark.parametrize("colour", [True, False])
def test_show_says_the_same_with_and_without_colour(capsys: pytest.CaptureFixture[str], colour: bool) -> None:
    """A terminal gets colours unless NO_COLOR is set; a word stands wherever a colour does."""
    environment = {**os.environ, "FORCE_COLOR": "1", "COLUMNS": "80"}
    environment.pop("NO_COLOR", None)
    if not colour:
        environment["NO_COLOR"] = "1"
    printed = subprocess.run(
        [sys.executable, "-m", "service", "policy", "show", "--config", str(CONFIG)],
        check=True,
        capture_output=True,
        text=True,
        env=environment,
    ).stdout
    assert ("\x1b[36m" in printed) is colour
