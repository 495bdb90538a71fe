"""`weir keys generate` and `weir keys check`."""

import json
from pathlib import Path

import pytest

from service.cli.app import run


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
    assert json.loads(capsys.readouterr().out) == {
        "ok": True,
        "versions": [{"id": "k1", "not_before": "1970-01-01T00:00:00Z"}],
        "problems": [],
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
