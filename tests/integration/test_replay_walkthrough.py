"""The walk-through of docs/replay.md, line by line, in a folder like the checkout after `make setup`."""

import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from service.settings import PREFIX
from tests.conftest import ROOT
from tests.running_weir import PATIENCE, read_committed, wait_until
from tests.warm_weir import WarmWeir

pytestmark = [pytest.mark.enable_socket, pytest.mark.broker]

SECTION = (ROOT / "docs" / "replay.md").read_text(encoding="utf-8").split("\n## Walk-through\n")[1]
STEPS = re.split(r"(?m)^\*\*\d\. ", SECTION.split("\n## ")[0])[1:]
SHOWN = re.findall(r"(?s)```text\n(.*?)```", SECTION.split("\n## ")[0])

#: `weir` by way of a process that has everything loaded. A command ends with it, also when it is killed.
WEIR = """#!{python}
import json, os, shutil, signal, socket, subprocess, sys, tempfile
folder = tempfile.mkdtemp(dir={folder!r})
connection = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
connection.connect({address!r})
connection.send(json.dumps([sys.argv[1:], os.environ | {{"PWD": os.getcwd()}}, folder]).encode())
command = int(connection.recv(100))
watcher = subprocess.Popen(
    ["sh", "-c", 'read -r _ || kill -KILL "$0"', str(command)],
    stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
)
signal.signal(signal.SIGTERM, lambda number, _: os.kill(command, number))
code = int(connection.recv(100))
watcher.communicate(b"\\n")
for name, stream in (("out", sys.stdout), ("err", sys.stderr)):
    with open(os.path.join(folder, name)) as said:
        shutil.copyfileobj(said, stream)
sys.exit(code)
"""


def commands(step: str) -> str:
    """The lines of a step's code block."""
    return "".join(line[4:] for line in step.splitlines(keepends=True) if line.startswith("    "))


class Shell:
    """A shell that is given lines as somebody types them."""

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        self._folder = folder
        with (folder / "stdout").open("wb") as out, (folder / "stderr").open("wb") as err:
            self._process = subprocess.Popen(
                ["bash", "-euo", "pipefail"],
                stdin=subprocess.PIPE,
                stdout=out,
                stderr=err,
                cwd=folder,
                env=environment,
                start_new_session=True,
            )

    def run(self, lines: str) -> None:
        """Run lines to their end."""
        assert self._process.stdin is not None
        done = self._folder / "done"
        self._process.stdin.write(f"{lines}\ntouch done\n".encode())
        self._process.stdin.flush()
        wait_until(lambda: done.exists() or self._process.poll() is not None, lines)
        assert done.exists(), lines + self.said("stdout") + self.said("stderr")
        done.unlink()

    def said(self, stream: str) -> str:
        return (self._folder / stream).read_text()

    def exit(self) -> int:
        """Say that there are no more lines; the exit code."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        return self._process.wait(PATIENCE)

    def kill(self) -> None:
        """Kill it and all that it has started."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait(PATIENCE)
        assert self._process.stdin is not None
        self._process.stdin.close()


@pytest.fixture
def shell(warm: WarmWeir, tmp_path: Path) -> Iterator[Shell]:
    bin_folder, runs = tmp_path / "bin", tmp_path / "runs"
    bin_folder.mkdir()
    runs.mkdir()
    weir = bin_folder / "weir"
    weir.write_text(WEIR.format(python=sys.executable, folder=str(runs), address=str(warm.address)))
    weir.chmod(0o755)
    (tmp_path / ".venv").symlink_to(sys.prefix)
    shutil.copytree(ROOT / "config", tmp_path / "config")
    environment = {key: value for key, value in os.environ.items() if not key.startswith(PREFIX)}
    environment |= {
        "PATH": f"{bin_folder}:{os.environ['PATH']}",
        "WEIR_PROBE_PORT": "0",
        "WEIR_PROCESSES": "1",
        "WEIR_SPACY_MODEL": "en_core_web_sm",
    }
    shell = Shell(tmp_path, environment)
    yield shell
    shell.kill()


def lines_with_figures(text: str) -> set[str]:
    """Lines of tables, however wide, at whatever time."""
    lines = (" ".join(line.split()) for line in text.splitlines())
    return {re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d", "DATE", line) for line in lines if re.search(r"\d", line)}


def payloads(bootstrap: str, vendor: str) -> list[dict[str, Any]]:
    return [orjson.loads(each.value) for each in read_committed(bootstrap, [f"vendor.{vendor}.events"])]


def test_the_walk_through(shell: Shell, tmp_path: Path) -> None:
    for step in STEPS[:-1]:
        shell.run(commands(step))
    said = shell.said("stdout")
    assert "exit code 1\n" in said
    assert re.search(r"posthog-texts +0/1 +unfinished ", said), "killed too late"
    for shown in SHOWN:
        assert lines_with_figures(shown) <= lines_with_figures(said)

    bootstrap = (tmp_path / "kafka.env").read_text().strip().partition("=")[2]
    posthog = payloads(bootstrap, "posthog")
    old = Counter(each["uuid"] for each in posthog if "historical_migration" not in each)
    new = [each for each in posthog if "historical_migration" in each]
    assert Counter(each["uuid"] for each in new) == old
    assert set(old.values()) == {1}
    assert not any({"body", "comment"} & each["properties"].keys() for each in new)
    assert (tmp_path / "review.ndjson").read_bytes().count(b"\n") == len(new)
    assert "**State**: finished" in (tmp_path / "posthog-texts.md").read_text()

    segment = Counter(each["messageId"] for each in payloads(bootstrap, "segment"))
    assert len(segment) > 400
    assert set(segment.values()) == {1}
    mixpanel = Counter(each["properties"]["$insert_id"] for each in payloads(bootstrap, "mixpanel"))
    assert set(mixpanel.values()) == {2}

    shell.run(commands(STEPS[-1]))
    assert shell.exit() == 0
