"""The commands of docs/keys.md, in the order of the page, as they stand."""

import json
import os
import re
import subprocess
import sys
from base64 import b64encode
from pathlib import Path

from service.pseudonyms.keyring import KeyRing
from service.settings import PREFIX
from tests.conftest import ROOT

PAGE = (ROOT / "docs" / "keys.md").read_text(encoding="utf-8")
LINES = re.findall(r"(?m)^    ((?:printf|weir) .*)$", PAGE)


def test_the_page_from_its_first_line_to_its_last(tmp_path: Path) -> None:
    (tmp_path / "config").symlink_to(ROOT / "config")
    bin_folder = tmp_path / "bin"
    bin_folder.mkdir()
    weir = bin_folder / "weir"
    weir.write_text(f'#!/bin/sh\nPYTHONPATH={ROOT} exec {sys.executable} -m service "$@"\n')
    weir.chmod(0o755)
    environment = {key: value for key, value in os.environ.items() if not key.startswith(PREFIX)}
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", "\n".join(LINES)],
        cwd=tmp_path,
        env=environment | {"PATH": f"{bin_folder}:{environment['PATH']}"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    shown = {line.split("weir keys ")[1].split()[0] for line in LINES}
    assert shown >= {"generate", "add", "rotate", "check", "pseudonym", "retire", "destroy", "encrypt"}
    ring = KeyRing.load(tmp_path / "keyring.json", tmp_path / "new-kek")
    states = {version.id: version.destroyed is None for version in ring.versions}
    assert states == {"k1": False, "k2": True, "k3": True, "k4": True}
    assert re.findall(r"(?m)^(k\d)\tw[0-9a-f]{32}$", done.stdout) == ["k1", "k3", "k2"]


def test_the_file_that_the_page_shows_is_valid(tmp_path: Path) -> None:
    example = re.search(r"(?ms)^    (\{\n.*?^    \})$", PAGE)
    assert example
    path = tmp_path / "keyring.json"
    text = example[1]
    for number, placeholder in enumerate(('"<32 or more random bytes, base64>"', '"<…>"', '"<…>"')):
        text = text.replace(placeholder, json.dumps(b64encode(bytes(range(number, 32 + number))).decode()), 1)
    path.write_text(text)
    assert [version.id for version in KeyRing.load(path).versions] == ["k1", "k2", "k3", "k4"]
