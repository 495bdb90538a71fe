"""`weir policy compile`: the plans that events are sanitized by, for those who want to see them."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from service.cli.app import run
from service.policy import load
from service.policy.plan import CompiledPolicy
from service.policy.vendor_names import VendorName
from service.sanitize.sanitizer import Sanitizer
from service.vendors.payload_schema import PayloadSchema
from tests.conftest import ROOT

CONFIG = ROOT / "config"
VALUE = re.compile(r"<[^<>:]+: [a-z_]+(?:, [^<>]+)?>")


def compiled(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert run(["policy", "compile", "--config", str(CONFIG), *arguments]) == 0
    printed = capsys.readouterr()
    assert printed.err == ""
    return printed.out


def payloads(shown: str) -> dict[str, Any]:
    """Every payload that is shown, by its title, as JSON."""
    found = {}
    for part in re.split(r"^# ", shown, flags=re.MULTILINE)[1:]:
        title, _, body = part.partition("\n")
        if title.rpartition(", ")[2] in set(VendorName):
            assert title not in found
            found[title] = json.loads(body)
    return found


def sources(shown: str) -> dict[str, str]:
    """The code of every kind of event that is shown, by its name."""
    found = re.findall(r"^# ([^\n,]+)\n\n(.*?)(?=^# )", shown, flags=re.MULTILINE | re.DOTALL)
    return dict(found)


def kinds(policy: CompiledPolicy) -> set[str]:
    """Every kind of event that some vendor gets, as people name it."""
    tracked = {f"track {name}" for plan in policy.vendors for name in plan.tracked}
    return tracked | {call.value for plan in policy.vendors for call in plan.calls}


def test_it_says_how_much_there_is_and_no_more(capsys: pytest.CaptureFixture[str]) -> None:
    first, second = compiled(capsys).splitlines()
    policy = load(CONFIG)
    assert re.fullmatch(rf"{len(kinds(policy))} kinds of events, [1-9][0-9]* fields, 5 vendors\.", first)
    assert second == f"Fingerprint {policy.fingerprint}"


def test_it_shows_the_code_and_every_payload_of_every_kind(capsys: pytest.CaptureFixture[str]) -> None:
    shown = compiled(capsys, "--show")
    policy = load(CONFIG)
    code = sources(shown)
    assert code.keys() == kinds(policy)
    for kind, source in code.items():
        compile(source, kind, "exec")
        assert "def collect(body," in source
    found = payloads(shown)
    expected = {f"track {name}, {plan.vendor}" for plan in policy.vendors for name in plan.tracked}
    assert expected <= found.keys()
    assert {title.rpartition(", ")[0] for title in found} == kinds(policy)


def test_a_payload_shows_each_value_as_its_field_and_action(capsys: pytest.CaptureFixture[str]) -> None:
    shown = payloads(compiled(capsys, "--show", "--event", "Feedback Submitted"))
    assert shown.keys() == {f"track Feedback Submitted, {vendor}" for vendor in VendorName}
    properties = shown["track Feedback Submitted, mixpanel"]["properties"]
    assert properties["time"] == "<timestamp: time_unit, seconds>"
    assert properties["distinct_id"] == "<userId: pseudonymize>"
    assert properties["comment"] == "<properties.comment: scrub, cut at 255>"
    assert properties["ip"] == 0
    assert "properties.contact_email: pseudonymize" not in str(shown["track Feedback Submitted, ga4"])
    texts = [text for payload in shown.values() for text in strings(payload)]
    assert sum(VALUE.fullmatch(text) is not None for text in texts) > len(texts) * 0.8


def strings(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    items = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [text for item in items for text in strings(item)]


def test_with_an_event_and_a_vendor_it_shows_one_payload(capsys: pytest.CaptureFixture[str]) -> None:
    shown = compiled(capsys, "--show", "--event", "Plan Changed", "--vendor", "ga4")
    assert payloads(shown).keys() == {"track Plan Changed, ga4"}
    assert sources(shown).keys() == {"track Plan Changed"}


def test_another_call_goes_by_its_name(capsys: pytest.CaptureFixture[str]) -> None:
    shown = payloads(compiled(capsys, "--show", "--event", "identify"))
    assert "identify, mixpanel" in shown
    assert all(title.startswith("identify, ") for title in shown)
    assert shown["identify, mixpanel"]["event"] == "$identify"


def test_what_is_shown_is_what_events_become(
    capsys: pytest.CaptureFixture[str], sanitizer: Sanitizer
) -> None:
    """An event with fields that vendors get has no key in its payloads that is not shown."""
    event = {
        "type": "track",
        "event": "Feedback Submitted",
        "messageId": "msg-1",
        "userId": "usr_5513xw",
        "anonymousId": "anon-7",
        "timestamp": "2026-03-04T05:06:07Z",
        "context": {"locale": "en-GB", "page": {"url": "https://console.example.com/docs", "title": "Docs"}},
        "properties": {"rating": 4, "comment": "fine"},
    }
    shown = payloads(compiled(capsys, "--show", "--event", "Feedback Submitted"))
    result = sanitizer.sanitize([json.dumps(event).encode()])
    for outcome in result.outcomes[0]:
        assert type(outcome).__name__ == "Sent"
        sent = json.loads(outcome.value)  # type: ignore[union-attr]  # seen to the line before
        assert PayloadSchema(outcome.vendor).takes(sent)  # type: ignore[arg-type]
        assert keys(sent) <= keys(shown[f"track Feedback Submitted, {outcome.vendor}"])


def keys(value: Any, path: str = "") -> set[str]:
    if isinstance(value, list):
        return set().union(*(keys(item, path) for item in value))
    if not isinstance(value, dict):
        return {path}
    return set().union(*(keys(item, f"{path}/{key}") for key, item in value.items()))


def test_an_unknown_event_is_named_with_those_there_are(capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in ([], ["--show"]):
        assert run(["policy", "compile", "--config", str(CONFIG), "--event", "Plan Chnaged", *arguments]) == 2
        printed = capsys.readouterr()
        assert printed.out == ""
        assert printed.err.startswith("weir: no vendor gets an event 'Plan Chnaged'; there are: ")
        names = printed.err.partition("there are: ")[2].strip().split(", ")
        assert names == sorted(names)
        assert {"Plan Changed", "identify", "alias"} <= set(names)


def test_an_unknown_vendor_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["policy", "compile", "--config", str(CONFIG), "--vendor", "no-such-vendor"]) == 2
    assert "mixpanel" in capsys.readouterr().err


def test_a_policy_with_mistakes_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["policy", "compile", "--config", str(tmp_path)]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "mistakes in the policy" in printed.err


def test_the_page_shows_what_the_command_prints(capsys: pytest.CaptureFixture[str]) -> None:
    page = (ROOT / "docs" / "policy.md").read_text(encoding="utf-8")
    section = page.split("## What becomes of each kind of event\n")[1].split("\n## ")[0]
    blocks = re.findall(r"(?:^    .*\n)+", section, flags=re.MULTILINE)
    excerpt = "".join(line[2:] for line in blocks[1].splitlines(keepends=True))
    assert excerpt in compiled(capsys, "--show", "--event", "Plan Changed", "--vendor", "ga4")
