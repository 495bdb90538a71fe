"""Other engines beside Weir: what they are given, and what is made of their answers."""

import json
import sys
from pathlib import Path

import pytest

from service.bench.contenders import Task, cpu_seconds, write_task
from service.errors import WeirError
from service.policy.vendor_names import VendorName
from service.pseudonyms.keyring import KeyRing

#: Counts its lines as a contender does, makes five payloads of each and says that took it a second.
COUNTING = """
import json, sys
events = len(open(sys.argv[3]).readlines())
print(json.dumps({"events": events, "outputs": 5 * events, "bytes": 1, "cpu_seconds": 1.0}))
"""


def binary(folder: Path, source: str) -> Path:
    path = folder / "contender"
    path.write_text(f"#!{sys.executable}\n{source}")
    path.chmod(0o700)
    return path


@pytest.fixture
def task(tmp_path: Path, keyring_file: Path) -> Task:
    key = KeyRing.load(keyring_file).versions[0]
    return write_task(tmp_path, key, [b'{"n":1}'], [b'{"n":2}', b'{"n":3}'])


def test_a_contender_gets_the_keys_and_the_events(task: Task, keyring_file: Path) -> None:
    key = KeyRing.load(keyring_file).versions[0]
    keys = json.loads(task.keys.read_bytes())
    assert keys.keys() == {"user", "device", "event", "object", "organization"}
    assert keys["user"]["ga4"] == key.derive(VendorName.GA4, "user").hex()
    assert task.warm_up.read_bytes() == b'{"n":1}\n'
    assert task.events.read_bytes() == b'{"n":2}\n{"n":3}\n'


def test_its_processor_time_is_what_it_says(tmp_path: Path, task: Task) -> None:
    assert cpu_seconds(binary(tmp_path, COUNTING), task, payloads=10) == 1.0


def test_one_that_makes_fewer_payloads_does_not_count(tmp_path: Path, task: Task) -> None:
    with pytest.raises(WeirError, match="made 10 payloads of 2 events, and not 9 of 2"):
        cpu_seconds(binary(tmp_path, COUNTING), task, payloads=9)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("raise SystemExit(7)", "ended with exit code 7"),
        ("print('hello')", "its answer is none of a contender's"),
        ('print(\'{"events": 2, "outputs": 10, "cpu_seconds": "fast"}\')', "its answer is none"),
        ('print(\'{"events": 2, "outputs": 10, "cpu_seconds": 0}\')', "its answer is none"),
    ],
)
def test_one_that_fails_is_named_in_one_line(tmp_path: Path, task: Task, source: str, message: str) -> None:
    path = binary(tmp_path, source)
    with pytest.raises(WeirError, match=message) as raised:
        cpu_seconds(path, task, payloads=10)
    assert str(raised.value).startswith(f"{path}: ")
    assert "\n" not in str(raised.value)


def test_one_that_is_not_there_is_named(tmp_path: Path, task: Task) -> None:
    with pytest.raises(WeirError, match="contender: cannot be run: No such file"):
        cpu_seconds(tmp_path / "contender", task, payloads=10)
