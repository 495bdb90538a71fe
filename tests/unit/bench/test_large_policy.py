"""The policy that shows what a larger one costs: larger, and for the same events."""

from pathlib import Path

import orjson

from service.bench.large_policy import renamed, write_large_policy
from service.policy import load
from service.policy.loader import load_files


def test_it_has_the_events_and_fields_asked_for(config_dir: Path, tmp_path: Path) -> None:
    names = write_large_policy(config_dir, tmp_path, events=15, fields=300)
    plan, _ = load_files(tmp_path)
    assert len(plan.events) == 15
    assert {name for copies in names.values() for name in copies} == plan.events.keys()
    assert sum(map(len, (plan.common, *plan.events.values(), *plan.calls.values()))) == 300


def test_a_copy_is_treated_as_its_original_is(config_dir: Path, tmp_path: Path) -> None:
    names = write_large_policy(config_dir, tmp_path, events=15, fields=300)
    small, large = load(config_dir), load(tmp_path)
    assert names["Signed Up"] == ["Signed Up", "Signed Up 0"]
    for before, after in zip(small.vendors, large.vendors, strict=True):
        for name in names["Signed Up"]:
            kept = [rule for rule in after.tracked[name] if ".added." not in rule.dotted]
            assert kept == list(before.tracked["Signed Up"])
            assert len(after.tracked[name]) > len(kept)


def test_events_go_under_each_of_their_names_in_turn() -> None:
    records = [b'{"event":"A"}', b'{"event":"A"}', b'{"event":"B"}', b'{"type":"page"}', b'{"event":"A"}']
    called = [orjson.loads(raw) for raw in renamed(records, {"A": ["A", "A 0"]})]
    assert called == [{"event": "A"}, {"event": "A 0"}, {"event": "B"}, {"type": "page"}, {"event": "A"}]
