"""A worker that is told to stop before it has begun exits with 0, whatever it is doing."""

import os
import re
import signal
import socket
import subprocess
from pathlib import Path

import pytest

from service.settings import PREFIX
from tests.running_weir import FAUST, PATIENCE, WEIR, wait_until

pytestmark = pytest.mark.enable_socket


def start(command: tuple[str, ...], **settings: str) -> "subprocess.Popen[bytes]":
    environment = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
    return subprocess.Popen(
        command,
        env=environment | settings,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )


def heeds(process: "subprocess.Popen[bytes]", number: signal.Signals) -> bool:
    """Whether the process has a handler for the signal."""
    found = re.search(r"SigCgt:\s*([0-9a-f]+)", Path(f"/proc/{process.pid}/status").read_text())
    assert found
    return bool(int(found[1], 16) >> (number - 1) & 1)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=lambda number: str(number.name))
def test_while_importing(number: signal.Signals) -> None:
    with start((*WEIR, "worker")) as process:
        wait_until(lambda: heeds(process, signal.SIGTERM), "a handler is set")
        process.send_signal(number)
        output, _ = process.communicate(timeout=PATIENCE)
    assert (process.returncode, output) == (0, b"")


@pytest.mark.parametrize("command", [(*WEIR, "worker"), FAUST], ids=["weir", "faust"])
def test_while_kafka_keeps_it_waiting(command: tuple[str, ...], config_dir: Path, keyring_file: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"127.0.0.1:{silent.getsockname()[1]}"
        with start(
            command,
            WEIR_KAFKA_BOOTSTRAP=address,
            WEIR_CONFIG_DIR=str(config_dir),
            WEIR_KEYRING_FILE=str(keyring_file),
        ) as process:
            silent.settimeout(PATIENCE)
            connection, _ = silent.accept()
            with connection:
                process.terminate()
                output, _ = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0
    assert b"Traceback" not in output


def test_other_commands_end_as_any_program_does() -> None:
    with start((*WEIR, "sanitize")) as process:
        maps = Path(f"/proc/{process.pid}/maps")
        wait_until(lambda: b"orjson" in maps.read_bytes(), "it has begun to import")
        process.terminate()
        process.communicate(timeout=PATIENCE)
    assert process.returncode == -signal.SIGTERM
