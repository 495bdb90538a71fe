"""What is taken for a dead letter, and what is not."""

from typing import Any

import orjson
import pytest
from aiokafka import TopicPartition

from service.output.dead_letters import dead_letter, read_dead_letter
from service.policy.vendor_names import VendorName
from service.sanitize.outcomes import DeadLettered, FailReason, Stage

OUTCOME = DeadLettered(VendorName.GA4, Stage.DELIVER, FailReason.OUTPUT_TOO_LARGE)


def written(outcome: DeadLettered = OUTCOME) -> tuple[bytes, dict[str, Any]]:
    key, value = dead_letter(
        outcome, source=TopicPartition("events.raw", 3), offset=1207, timestamp=-1, policy="ab" * 32
    )
    return key, orjson.loads(value)


@pytest.mark.parametrize("vendor", [VendorName.GA4, None])
def test_what_is_written_is_read(vendor: VendorName | None) -> None:
    key, value = written(OUTCOME._replace(vendor=vendor))
    letter = read_dead_letter(key, orjson.dumps(value))
    assert letter is not None
    assert (letter.source, letter.vendor) == ("events.raw/3/1207", vendor)
    assert (letter.stage, letter.reason) == (Stage.DELIVER, FailReason.OUTPUT_TOO_LARGE)


@pytest.mark.parametrize(
    "change",
    [
        {"topic": "Harriet Whitlock"},
        {"topic": "x" * 250},
        {"partition": -1},
        {"offset": "1207"},
        {"offset": True},
        {"timestamp": None},
        {"vendor": "Harriet"},
        {"stage": "Harriet"},
        {"reason": "Harriet"},
        {"policy": "Harriet"},
        {"payload": "Harriet"},
        {"offset": 1208},  # not the key's
    ],
)
def test_a_part_out_of_form_makes_it_none(change: dict[str, Any]) -> None:
    key, value = written()
    assert read_dead_letter(key, orjson.dumps(value)) is not None
    assert read_dead_letter(key, orjson.dumps(value | change)) is None


@pytest.mark.parametrize(
    "name", ["topic", "partition", "offset", "timestamp", "vendor", "stage", "reason", "policy"]
)
def test_a_missing_part_makes_it_none(name: str) -> None:
    key, value = written()
    del value[name]
    assert read_dead_letter(key, orjson.dumps(value)) is None
