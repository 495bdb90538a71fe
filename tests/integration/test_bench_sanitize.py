"""`weir bench sanitize` as its users run it, with few events."""

import json

import pytest

from service.cli.app import run


def test_everybody_is_measured_over_the_same_events(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["bench", "sanitize", "--events", "500", "--json"]) == 0
    figures = json.loads(capsys.readouterr().out)
    assert figures["events"] == 500
    assert 4 < figures["vendor_records"] < 5
    assert figures["ratio_to_floor"].keys() == {"floor", "Weir"}
    assert figures["stages"].keys() == {"structured", "demo"}
    shown = [*figures["cpu_microseconds"].values(), *figures["stages"]["structured"].values()]
    assert all(figure >= 0 for figure in shown)
    assert min(figures["large_policy"], figures["few_users"], figures["many_users"]) > 0
