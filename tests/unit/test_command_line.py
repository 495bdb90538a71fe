"""The command line as a whole: exit codes and help."""

import subprocess
import sys

import pytest

from service.cli.app import run
from tests.conftest import ROOT


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["version"], 0),
        (["--help"], 0),
        ([], 2),
        (["no-such-command"], 2),
        (["keys", "check", "no-such-file.json"], 2),
        (["sanitize", "--vendor", "no-such-vendor"], 2),
        (["sanitize", "--processes", "none"], 2),
        (["dead-letters", "list", "--reason", "no-such-reason"], 2),
        (["dead-letters", "list", "--vendor", "no-such-vendor"], 2),
        (["dead-letters", "list", "--since", "yesterday"], 2),
        (["dead-letters", "show", "events.raw/3"], 2),
    ],
)
def test_exit_codes(arguments: list[str], code: int, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(arguments) == code
    assert "Traceback" not in capsys.readouterr().err


@pytest.mark.parametrize(
    "command",
    [
        "worker",
        "sanitize",
        "explain",
        "canary",
        "demo",
        "version",
        "topics create",
        "topics check",
        "keys generate",
        "keys check",
        "policy check",
        "policy show",
        "policy compile",
        "bench pipeline",
        "bench capacity",
        "bench sweep",
        "bench latency",
        "bench memory",
        "bench idle",
        "breaker list",
        "breaker open",
        "breaker close",
        "dead-letters summary",
        "dead-letters list",
        "dead-letters show",
    ],
)
def test_every_command_explains_itself(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run([*command.split(), "--help"]) == 0
    shown = capsys.readouterr().out
    assert "Usage: weir" in shown
    assert len(shown.splitlines()) > 5


def test_a_wrong_setting_is_one_clear_message(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("WEIR_PROCESES", "2")
    assert run(["sanitize"]) == 2
    assert "did you mean WEIR_PROCESSES?" in capsys.readouterr().err


def test_the_command_line_loads_no_models() -> None:
    """They take seconds, and every command would wait for them."""
    loaded = (
        "import sys, service.cli.app; print(*sorted({'spacy', 'presidio_analyzer'} & sys.modules.keys()))"
    )
    done = subprocess.run(
        [sys.executable, "-c", loaded], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert done.stdout.strip() == ""
