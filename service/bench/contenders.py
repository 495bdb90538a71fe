"""Other engines with the reference policy in their own language: tests/benchmarks has the programs.

A contender is a binary that gets the keys, events to warm up and events to be measured, as paths of files,
and prints one line: how many events it saw, how many payloads it made, and the seconds of processor time.
"""

import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final

import orjson
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from service.errors import WeirError
from service.policy.vendor_names import VendorName
from service.pseudonyms.key_version import KeyVersion

#: Seconds after which a contender is given up.
_TIMEOUT: Final = 600
_PURPOSES: Final = ("user", "device", "event", "object", "organization")


class _Answer(BaseModel):
    """What a contender says of a run.

    Attributes:
        events: Raw events that it saw.
        outputs: Payloads that it made of them.
        cpu_seconds: Processor time of the whole process, all threads, without start and warm-up.
    """

    model_config = ConfigDict(strict=True)

    events: int
    outputs: int
    cpu_seconds: Annotated[float, Field(gt=0, allow_inf_nan=False)]


@dataclass(frozen=True, slots=True)
class Task:
    """The files that a contender gets, and how many events the last one holds."""

    keys: Path
    warm_up: Path
    events: Path
    count: int


def write_task(folder: Path, key: KeyVersion, warm_up: Sequence[bytes], events: Sequence[bytes]) -> Task:
    """Write the files into a folder that nobody else can read."""
    task = Task(folder / "keys.json", folder / "warm-up.ndjson", folder / "events.ndjson", len(events))
    keys = {
        purpose: {vendor.value: key.derive(vendor, purpose).hex() for vendor in VendorName}
        for purpose in _PURPOSES
    }
    task.keys.write_bytes(orjson.dumps(keys))
    task.warm_up.write_bytes(b"".join(raw + b"\n" for raw in warm_up))
    task.events.write_bytes(b"".join(raw + b"\n" for raw in events))
    return task


def cpu_seconds(binary: Path, task: Task, *, payloads: int) -> float:
    """The processor time that a contender takes to make so many payloads of a task's events.

    Raises:
        WeirError: if it can't be run, fails, answers something else, or does not make as many.
    """
    command = [binary.resolve(), task.keys, task.warm_up, task.events]
    try:
        done = subprocess.run(command, capture_output=True, timeout=_TIMEOUT, check=False)  # noqa: S603
    except OSError as error:
        raise WeirError(f"{binary}: cannot be run: {error.strerror}") from None
    except subprocess.TimeoutExpired:
        raise WeirError(f"{binary}: no answer within {_TIMEOUT} s") from None
    if done.returncode:
        raise WeirError(f"{binary}: ended with exit code {done.returncode}")
    try:
        answer = _Answer.model_validate_json(done.stdout)
    except ValidationError:
        raise WeirError(f"{binary}: its answer is none of a contender's, see tests/benchmarks") from None
    if (answer.events, answer.outputs) != (task.count, payloads):
        raise WeirError(
            f"{binary}: made {answer.outputs} payloads of {answer.events} events, and not {payloads} of "
            f"{task.count}: build it from tests/benchmarks of this version"
        )
    return answer.cpu_seconds
