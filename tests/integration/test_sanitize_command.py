"""`weir sanitize`, as a user runs it."""

import json
import os
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

from service.demo.events import generate
from service.policy.vendor_names import VendorName


def weir(*arguments: str, stdin: bytes = b"", **environment: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-m", "service", *arguments],
        input=stdin,
        capture_output=True,
        check=False,
        timeout=120,
        env={**os.environ, **environment},
    )


def test_every_line_is_answered_in_order_and_the_same_in_every_process(keyring_file: Path) -> None:
    good = [raw for event in generate(40, seed=5) if (raw := event.raw)]
    lines = [good[0], b"", b"{", good[1] + b"\r", b"\xff", b"null", *good[2:]]
    runs = [
        weir("sanitize", "--keyring", str(keyring_file), stdin=b"\n".join(lines), **environment)
        for environment in (
            {"PYTHONHASHSEED": "1", "WEIR_BATCH_RECORDS": "7", "WEIR_PROCESSES": "2"},
            {"PYTHONHASHSEED": "2", "WEIR_PROCESSES": "1"},
        )
    ]
    assert [run.returncode for run in runs] == [0, 0], runs[0].stderr.decode()
    assert runs[0].stdout == runs[1].stdout
    by_line = defaultdict(list)
    numbers = []
    for record in map(json.loads, runs[0].stdout.splitlines()):
        by_line[record["line"]].append(record)
        numbers.append(record["line"])
    assert numbers == sorted(numbers)
    assert by_line.keys() == set(range(1, len(lines) + 1))
    assert by_line[2] == [{"line": 2, "rejected": {"stage": "decode", "reason": "malformed_json"}}]
    assert by_line[5] == [{"line": 5, "rejected": {"stage": "decode", "reason": "not_utf8"}}]
    assert by_line[6] == [{"line": 6, "rejected": {"stage": "decode", "reason": "not_an_object"}}]
    assert [record["vendor"] for record in by_line[4]] == list(VendorName)


def test_a_vendor_alone(keyring_file: Path) -> None:
    events = [raw for event in generate(20, seed=5) if (raw := event.raw)]
    run = weir("sanitize", "--keyring", str(keyring_file), "--vendor", "posthog", stdin=b"\n".join(events))
    assert run.returncode == 0, run.stderr.decode()
    assert {json.loads(line)["vendor"] for line in run.stdout.splitlines()} == {"posthog"}
    assert len(run.stdout.splitlines()) == len(events)


def test_without_keys_it_says_what_to_do() -> None:
    run = weir("sanitize", stdin=b"{}")
    assert run.returncode == 2
    assert run.stdout == b""
    assert b"weir keys generate" in run.stderr


def test_a_wrong_policy_stops_it_before_any_line(keyring_file: Path, tmp_path: Path) -> None:
    run = weir("sanitize", "--keyring", str(keyring_file), "--config", str(tmp_path), stdin=b"{}")
    assert run.returncode == 2
    assert run.stdout == b""
    assert b"tracking_plan.yaml" in run.stderr
    assert b"Traceback" not in run.stderr
