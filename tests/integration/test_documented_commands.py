"""The commands that the pages show: they are there with these options, and the README's run as they stand."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from service.cli.app import run
from service.demo.events import generate
from tests.conftest import ROOT
from tests.running_weir import RunningWeir

PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
SHOWN = re.compile(r"(?:^    (?:\.venv/bin/)?|`)weir ((?:[a-z]+(?:-[a-z]+)* ?)+)([^`\n#]*)", re.MULTILINE)
GROUPS = {"policy", "keys", "topics", "bench", "breaker", "dead-letters"}


def shown_commands() -> dict[str, set[str]]:
    """Each command that some page shows, with all the options it is shown with."""
    commands: dict[str, set[str]] = {}
    for page in PAGES:
        for words, rest in SHOWN.findall(page.read_text(encoding="utf-8")):
            parts = words.split()
            name = " ".join(parts[: 2 if parts[0] in GROUPS else 1])
            commands.setdefault(name, set()).update(re.findall(r"--[a-z-]+", rest))
    return commands


@pytest.mark.parametrize(("command", "options"), sorted(shown_commands().items()))
def test_a_shown_command_exists_with_its_options(
    command: str, options: set[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run([*command.split(), "--help"]) == 0
    known = set(re.findall(r"--[a-z-]+", capsys.readouterr().out))
    assert options <= known


def test_the_pages_show_commands() -> None:
    assert {"sanitize", "worker", "policy check", "keys generate", "topics create"} <= shown_commands().keys()


def readme_block(heading: str) -> list[str]:
    """The lines of the code block under a heading of the README."""
    section = (ROOT / "README.md").read_text(encoding="utf-8").split(f"## {heading}\n")[1].split("\n## ")[0]
    return [line.strip() for line in section.splitlines() if line.startswith("    ")]


def as_a_user(lines: list[str], folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run lines in a folder that looks like the checkout after `make setup`."""
    (folder / ".venv").symlink_to(sys.prefix)
    if not (folder / "config").exists():
        (folder / "config").symlink_to(ROOT / "config")
    return subprocess.run(
        ["bash", "-euo", "pipefail", "-c", "\n".join(lines)],
        cwd=folder,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )


def test_the_readme_without_kafka(tmp_path: Path) -> None:
    events = generate(20, seed=9)
    (tmp_path / "events.ndjson").write_bytes(b"\n".join(event.raw or b"" for event in events))
    done = as_a_user(readme_block("Without Kafka"), tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count('"vendor":"mixpanel"') == len(events)


@pytest.mark.enable_socket
@pytest.mark.broker
def test_the_readme_with_kafka(weir: RunningWeir) -> None:
    export, check, create, worker = readme_block("With your Kafka")
    assert export.startswith("export WEIR_KAFKA_BOOTSTRAP=")
    assert worker.startswith(".venv/bin/weir worker ")  # run by test_worker.py
    done = as_a_user([check, create], weir.folder, **weir.environment)
    assert done.returncode == 0, done.stdout + done.stderr
    assert weir.weir("topics", "check").returncode == 0
