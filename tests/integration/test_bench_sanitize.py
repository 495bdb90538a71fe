"""`weir bench sanitize` as its users run it, with few events."""

import json
from collections.abc import Sequence

import orjson
import pytest

from service.bench import core
from service.cli.app import run
from service.sanitize.outcomes import BatchResult
from service.sanitize.sanitizer import Sanitizer


def test_weir_and_the_floor_are_measured_and_never_with_events_that_the_process_has_seen(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    seen: list[str] = []

    class Watched(Sanitizer):
        def sanitize(self, records: Sequence[bytes | None]) -> BatchResult:
            seen.extend(orjson.loads(record or b"")["messageId"] for record in records)
            return super().sanitize(records)

    monkeypatch.setattr(core, "Sanitizer", Watched)
    assert run(["bench", "sanitize", "--events", "500", "--json"]) == 0
    figures = json.loads(capsys.readouterr().out)
    assert figures["events"] == 500
    assert 4 < figures["vendor_records"] < 5
    assert figures["ratio_to_floor"].keys() == {"floor", "Weir"}
    assert figures["stages"].keys() == {"structured", "demo"}
    kinds = ("reference", "large_policy", "few_users", "many_users")
    assert min(*figures["cpu_microseconds"].values(), *(figures[kind] for kind in kinds)) > 0
    # To warm up, two mixes and the large policy; then five rounds of a turn, two mixes and the four kinds.
    assert len(seen) == 500 * (3 + 5 * (1 + 2 + 4))
    assert len(set(seen)) == len(seen)
