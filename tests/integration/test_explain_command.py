"""`weir explain`, as a user runs it."""

import json
import shutil
from pathlib import Path

from tests.conftest import ROOT
from tests.integration.test_sanitize_command import weir

FAST = {"WEIR_DETECTION_PROFILE": "fast", "COLUMNS": "160", "NO_COLOR": "1"}
EVENT = {
    "type": "track", "event": "Feedback Submitted", "messageId": "m-1", "userId": "usr-77120",
    "anonymousId": "a-55021", "timestamp": "2026-11-03T12:34:56Z",
    "context": {"traits": {"name": "Ottilie Brandner"}},
    "properties": {"rating": 4, "ana@example.org": 1,
                   "comment": "Hi, I am Maria Silva \x1b[31m, maria@example.org; use the Brandner theme"},
}  # fmt: skip
STDIN = json.dumps(EVENT, indent=2).encode()


def test_a_table_shows_what_vendors_get_and_only_places_of_the_rest(
    keyring_file: Path, tmp_path: Path
) -> None:
    config = shutil.copytree(ROOT / "config", tmp_path / "config")
    file = config / "vendors" / "segment.yaml"
    file.write_text(file.read_text() + "\nentities: {allow: [Maria Silva], deny: {SECRET: [theme]}}\n")
    run = weir("explain", "--keyring", str(keyring_file), "--config", str(config), stdin=STDIN, **FAST)
    assert run.returncode == 0, run.stderr.decode()
    table = [" ".join(line.split()) for line in run.stdout.decode().splitlines()]
    assert "track Feedback Submitted" in table
    assert "segment sent" in table
    assert "properties.rating measure all keep: 4" in table
    assert "properties.:key - all nothing: the tracking plan does not name the field" in table
    assert "context.traits.name person.name all nothing: no action for the class" in table
    assert any(
        "<SECRET>" in line and line.startswith("segment scrub: Hi, I am Maria Silva") for line in table
    )
    assert any(line.endswith("does not count: on the allow list") and "segment" in line for line in table)
    shown = "\n".join(line for line in table if "segment" not in line)
    for secret in ("Maria", "maria@example.org", "ana@example.org", "Brandner", "Ottilie", "\x1b"):
        assert secret not in shown


def test_values_are_shown_where_they_are_asked_for(keyring_file: Path) -> None:
    run = weir(
        "explain", "--keyring", str(keyring_file), "--vendor", "posthog", "--json", "--show-values",
        stdin=STDIN, **FAST,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr.decode()
    document = json.loads(run.stdout)
    assert document["vendors"] == {"posthog": {"sent": True, "gate_hits": []}}
    fields = {field["field"]: field for field in document["fields"]}
    assert fields["properties.ana@example.org"]["class"] is None
    comment = fields["properties.comment"]
    assert comment["value"] == EVENT["properties"]["comment"]  # type: ignore[index]
    assert "<EMAIL_ADDRESS>" in comment["vendors"]["posthog"]["value"]
    found = {(each["text"], each["entity"], each["result"]) for each in comment["found"]}
    assert {("maria@example.org", "EMAIL_ADDRESS", "stands"), ("Brandner", "IDENTITY", "stands")} <= found
    assert {tuple(each["vendors"]) for each in comment["found"]} == {("posthog",)}


def test_an_event_that_is_refused_is_an_answer_too(keyring_file: Path) -> None:
    run = weir("explain", "--keyring", str(keyring_file), "--json", stdin=b"{}\n{}\n", **FAST)
    assert run.returncode == 1
    assert json.loads(run.stdout) == {"rejected": {"stage": "decode", "reason": "malformed_json"}}
