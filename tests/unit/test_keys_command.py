"""`weir keys`."""

import io
import json
import os
import pty
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from service.cli.app import run
from service.pseudonyms.keyring import KeyRing
from tests.conftest import ROOT

LATER = "2098-01-01T00:00:00Z"


@pytest.fixture
def ring(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    path = tmp_path / "keyring.json"
    assert run(["keys", "generate", str(path)]) == 0
    capsys.readouterr()
    return path


def test_generate_says_what_to_do_next_and_never_the_key(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "keyring.json"
    assert run(["keys", "generate", str(path)]) == 0
    printed = capsys.readouterr()
    assert f"WEIR_KEYRING_FILE={path}" in printed.out
    assert json.loads(path.read_text())["versions"][0]["key"] not in printed.out + printed.err


def test_generate_refuses_to_overwrite(ring: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = ring.read_bytes()
    assert run(["keys", "generate", str(ring)]) == 2
    assert "exists already" in capsys.readouterr().err
    assert ring.read_bytes() == before


def test_check_lists_versions_and_no_keys(ring: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["keys", "check", str(ring)]) == 0
    printed = capsys.readouterr()
    assert "k1" in printed.out
    assert "1970-01-01T00:00:00Z" in printed.out
    assert json.loads(ring.read_text())["versions"][0]["key"] not in printed.out + printed.err
    assert printed.err == ""


def test_check_answers_machines(ring: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["keys", "check", "--json", str(ring)]) == 0
    answer = json.loads(capsys.readouterr().out)
    created = answer["versions"][0].pop("created")
    assert re.fullmatch(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ", created)
    assert answer == {
        "ok": True,
        "versions": [
            {
                "id": "k1",
                "vendor": None,
                "state": "in force",
                "not_before": "1970-01-01T00:00:00Z",
                "until": None,
                "destroy_after": None,
                "destroyed": None,
            }
        ],
        "problems": [],
        "warnings": [],
    }


def test_check_fails_on_a_wrong_key_ring(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "keyring.json"
    path.write_text('{"versions": []}')
    assert run(["keys", "check", str(path)]) == 1
    assert "at least 1 item" in capsys.readouterr().err
    assert run(["keys", "check", "--json", str(path)]) == 1
    answer = json.loads(capsys.readouterr().out)
    assert answer["ok"] is False
    assert len(answer["problems"]) == 1


def test_check_notes_a_file_that_everybody_can_read(ring: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ring.chmod(0o644)
    assert run(["keys", "check", str(ring)]) == 0
    assert "every user of this machine can read" in capsys.readouterr().err


def versions(ring: Path, capsys: pytest.CaptureFixture[str], *options: str) -> list[dict[str, Any]]:
    capsys.readouterr()
    assert run(["keys", "check", "--json", str(ring), *options]) == 0
    found: list[dict[str, Any]] = json.loads(capsys.readouterr().out)["versions"]
    return found


def test_add_says_what_follows_and_never_the_key(ring: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["keys", "add", str(ring), "--from", LATER]) == 0
    printed = capsys.readouterr()
    assert f"Added k2 to {ring}: for all vendors, events from {LATER} on." in printed.out
    assert "weir_keyring_stale" in printed.out
    for version in json.loads(ring.read_text())["versions"]:
        assert version["key"] not in printed.out + printed.err
    first, second = versions(ring, capsys)
    assert (first["until"], first["state"]) == (LATER, "in force")
    assert (second["id"], second["not_before"], second["state"]) == ("k2", LATER, "future")


def test_add_takes_one_beginning(ring: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = ring.read_bytes()
    assert run(["keys", "add", str(ring)]) == 2
    assert run(["keys", "add", str(ring), "--from", LATER, "--now"]) == 2
    assert run(["keys", "add", str(ring), "--from", "2020-01-01"]) == 2
    assert "--now begins all the same" in capsys.readouterr().err
    assert run(["keys", "rotate", str(ring), "--vendor", "ga4", "--from", LATER, "--now"]) == 2
    assert ring.read_bytes() == before
    assert run(["keys", "add", str(ring), "--now", "--id", "at-once"]) == 0
    assert [each["state"] for each in versions(ring, capsys)] == ["past", "in force"]


def test_rotate_is_for_one_vendor_and_begins_when_workers_have_it(
    ring: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["keys", "rotate", str(ring), "--vendor", "mixpanel"]) == 0
    assert "for mixpanel, events from" in capsys.readouterr().out
    first, second = versions(ring, capsys)
    assert (first["until"], first["state"]) == (None, "in force")
    assert (second["vendor"], second["state"]) == ("mixpanel", "future")
    assert run(["keys", "rotate", str(ring), "--vendor", "ga4", "--now"]) == 0
    by_vendor = {each["vendor"]: each["state"] for each in versions(ring, capsys)}
    assert by_vendor == {None: "in force", "ga4": "in force", "mixpanel": "future"}


def test_check_warns_without_failing(ring: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["keys", "rotate", str(ring), "--vendor", "mixpanel", "--now"]) == 0
    assert run(["keys", "rotate", str(ring), "--vendor", "mixpanel"]) == 0
    capsys.readouterr()
    assert run(["keys", "check", str(ring)]) == 0
    printed = capsys.readouterr()
    assert "Warning: k2 ends within 30 days" in printed.err
    assert "mixpanel" in printed.out
    assert run(["keys", "check", str(ring), "--within", "0"]) == 0
    assert "Warning" not in capsys.readouterr().err


def test_a_version_is_retired_and_destroyed(ring: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["keys", "add", str(ring), "--now"]) == 0
    assert run(["keys", "retire", str(ring), "k1", "--destroy-after", LATER]) == 0
    assert run(["keys", "destroy", str(ring), "k1", "--yes"]) == 2
    assert f"k1 is needed until {LATER}" in capsys.readouterr().err
    assert run(["keys", "check", str(ring)]) == 0
    assert "past, retired" in capsys.readouterr().out
    assert [each["destroy_after"] for each in versions(ring, capsys)] == [LATER, None]

    before = ring.read_bytes()
    assert run(["keys", "destroy", str(ring), "k1"]) == 1
    said = capsys.readouterr().out
    for words in ("Without the key of k1 (all vendors, events from 1970", "replay", "looked up", "deleted"):
        assert words in said
    assert "Nothing was changed" in said
    assert ring.read_bytes() == before

    assert run(["keys", "destroy", str(ring), "k1", "--yes", "--even-if-needed"]) == 0
    said = capsys.readouterr().out
    for words in ("Took the key of k1 out", "replay", "looked up", "deleted", "backups", "restart"):
        assert words in said
    assert [each["state"] for each in versions(ring, capsys)] == ["destroyed", "in force"]
    assert run(["keys", "destroy", str(ring), "k1"]) == 2
    assert "k1 was destroyed at" in capsys.readouterr().err
    assert run(["keys", "destroy", str(ring), "k2", "--yes"]) == 2
    assert "k2 is in force" in capsys.readouterr().err


def test_a_key_ring_is_wrapped_from_its_first_day_or_later(
    ring: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kek, new_kek, wrapped = tmp_path / "kek", tmp_path / "new-kek", tmp_path / "wrapped.json"
    for each in (kek, new_kek):
        assert run(["keys", "generate-kek", str(each)]) == 0
        assert each.read_text().strip() not in capsys.readouterr().out
    assert run(["keys", "generate", str(wrapped), "--kek", str(kek)]) == 0
    assert f"WEIR_KEYRING_KEK_FILE={kek}" in capsys.readouterr().out
    assert run(["keys", "add", str(wrapped), "--from", LATER, "--kek", str(kek)]) == 0
    assert [each["id"] for each in versions(wrapped, capsys, "--kek", str(kek))] == ["k1", "k2"]
    assert run(["keys", "check", str(wrapped)]) == 1
    assert capsys.readouterr().err.count("the key is wrapped") == 2

    checks = KeyRing.load(ring).checks
    assert run(["keys", "encrypt", str(ring), "--kek", str(kek)]) == 0
    assert run(["keys", "encrypt", str(ring), "--kek", str(new_kek)]) == 2
    assert run(["keys", "encrypt", str(ring), "--kek", str(new_kek), "--old-kek", str(kek)]) == 0
    assert KeyRing.load(ring, new_kek).checks == checks


def test_the_environment_names_the_key_encrypting_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    kek, ring = tmp_path / "kek", tmp_path / "keyring.json"
    assert run(["keys", "generate-kek", str(kek)]) == 0
    monkeypatch.setenv("WEIR_KEYRING_KEK_FILE", str(kek))
    assert run(["keys", "generate", str(ring)]) == 0
    assert "wrapped" in json.loads(ring.read_text())["versions"][0]
    assert run(["keys", "check", str(ring)]) == 0


USER = "usr_5513xw"


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch, config_dir: Path) -> Any:
    """Gives a value on stdin."""
    monkeypatch.setenv("WEIR_CONFIG_DIR", str(config_dir))

    def give(value: str | bytes) -> None:
        content = value.encode() if isinstance(value, str) else value
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))

    return give


def pseudonym(ring: Path, *options: str) -> list[str]:
    return ["keys", "pseudonym", str(ring), "--class", "identifier.user", *options]


def test_pseudonyms_of_every_version(ring: Path, typed: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["keys", "add", str(ring), "--now"]) == 0
    assert run(["keys", "rotate", str(ring), "--vendor", "ga4"]) == 0
    assert run(["keys", "add", str(ring), "--from", LATER]) == 0
    assert run(["keys", "destroy", str(ring), "k1", "--yes"]) == 0
    capsys.readouterr()
    lines: dict[str, list[list[str]]] = {}
    for vendor in ("mixpanel", "ga4"):
        typed(USER + "\n")
        assert run(pseudonym(ring, "--vendor", vendor, "--all")) == 0
        printed = capsys.readouterr()
        assert USER not in printed.out + printed.err
        lines[vendor] = [line.split("\t") for line in printed.out.splitlines()]
    assert [name for name, _ in lines["mixpanel"]] == ["k1", "k2", "k4"]
    assert [name for name, _ in lines["ga4"]] == ["k1", "k2", "k3", "k4"]
    assert lines["mixpanel"][0] == ["k1", "destroyed"]
    made = [each for vendor in lines for _, each in lines[vendor][1:]]
    assert len(set(made)) == 5
    assert all(re.fullmatch("w[0-9a-f]{32}", each) for each in made)

    for at, found in ((LATER, lines["mixpanel"][2][1]), (None, lines["mixpanel"][1][1])):
        typed(USER)
        assert run(pseudonym(ring, "--vendor", "mixpanel", *(("--at", at) if at else ()))) == 0
        assert capsys.readouterr().out == f"{found}\n"


@pytest.mark.parametrize(
    ("value", "options", "said"),
    [
        (USER, ["--class", "text.long"], "gets no pseudonyms of that class; it gets them of: "),
        (USER, ["--at", "2020-01-01"], "k1, which is for events of 2020-01-01T00:00:00Z, was destroyed"),
        (USER, ["--at", LATER, "--all"], "either --at or --all"),
        ("", [], "there is no value on stdin"),
        (b"\xff\xfe", [], "is not UTF-8"),
        ("anonymous", [], "is a placeholder"),
    ],
)
def test_what_has_no_pseudonym(
    ring: Path,
    typed: Any,
    capsys: pytest.CaptureFixture[str],
    *,
    value: str | bytes,
    options: list[str],
    said: str,
) -> None:
    assert run(["keys", "add", str(ring), "--now"]) == 0
    assert run(["keys", "destroy", str(ring), "k1", "--yes"]) == 0
    capsys.readouterr()
    typed(value)
    assert run(pseudonym(ring, "--vendor", "mixpanel", *options)) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert said in " ".join(printed.err.replace("\u2502", " ").split())
    assert USER not in printed.err


def test_there_is_no_pseudonym_before_the_first_version(
    tmp_path: Path, typed: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    ring = tmp_path / "keyring.json"
    assert run(["keys", "generate", str(ring)]) == 0
    document = json.loads(ring.read_text())
    document["versions"][0]["not_before"] = "2020-01-01T00:00:00Z"
    ring.write_text(json.dumps(document))
    typed(USER)
    assert run(pseudonym(ring, "--vendor", "mixpanel", "--at", "2019-12-31")) == 2
    assert "no version is for events of 2019-12-31T00:00:00Z" in capsys.readouterr().err


def test_a_value_that_is_typed_is_not_echoed(ring: Path, config_dir: Path) -> None:
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "service", *pseudonym(ring, "--vendor", "mixpanel")]
    environment = os.environ | {"WEIR_CONFIG_DIR": str(config_dir)}
    with subprocess.Popen(
        command, stdin=theirs, stdout=theirs, stderr=theirs, cwd=ROOT, env=environment, start_new_session=True
    ) as process:
        os.close(theirs)
        shown = b""
        while b"not shown" not in shown:
            shown += os.read(ours, 1000)
        os.write(ours, USER.encode() + b"\n")
        while not re.search(rb"w[0-9a-f]{32}", shown):
            shown += os.read(ours, 1000)
        assert process.wait(60) == 0
    os.close(ours)
    assert USER.encode() not in shown
