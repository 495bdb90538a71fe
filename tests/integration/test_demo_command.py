"""`weir demo`, as a user runs it, and what `weir bench` says of itself."""

import json
import re

import pytest

from tests.running_weir import RunningWeir, admin

pytestmark = [pytest.mark.enable_socket, pytest.mark.broker]


def test_the_demo_tells_the_whole_story(weir: RunningWeir) -> None:
    picture = weir.folder / "demo.svg"
    run = weir.weir("demo", "--events", "400", "--svg", str(picture))
    assert run.returncode == 0, run.stdout + run.stderr
    assert "\x1b" not in run.stdout
    for vendor in ("mixpanel", "amplitude", "posthog", "segment", "ga4"):
        assert run.stdout.count(f"after: {vendor}") == 3
    assert "[-" in run.stdout
    assert "<PERSON>" in run.stdout
    assert "No structured identity value came out" in " ".join(run.stdout.split())
    assert picture.read_text().startswith("<svg")
    with admin(weir.bootstrap) as client:
        assert not {weir.raw_topic, *weir.outputs} & set(client.list_topics())


def test_figures_for_machines(weir: RunningWeir) -> None:
    run = weir.weir("demo", "--events", "60", "--json")
    assert run.returncode == 0, run.stdout + run.stderr
    report = json.loads(run.stdout)
    assert report["records"] == 60 + sum(report["dead_lettered_for_all"].values())
    assert report["unaccounted"] == 0
    assert report["audit"]["structured_found"] == 0
    for counts in report["vendors"].values():
        assert counts["sent"] + sum(counts["suppressed"].values()) == 60


def test_a_policy_that_lets_a_structured_value_through_fails_the_demo(weir: RunningWeir) -> None:
    file = weir.folder / "config" / "tracking_plan.yaml"
    # A name or an e-mail would still be stopped by the gate, which knows the event's own.
    mistaken = "    traits.birthday: {class: category, type: word, max_length: 40}"
    text, count = re.subn(r"(?m)^    traits\.birthday: .*$", mistaken, file.read_text())
    assert count == 1
    file.write_text(text)
    run = weir.weir("demo", "--events", "120", "--json")
    assert run.returncode == 1, run.stdout + run.stderr
    report = json.loads(run.stdout)
    assert report["audit"]["found"]["structured"].keys() == {"birthday"}
    assert report["clean"] is False


def test_it_keeps_out_of_topics_that_are_there_already(weir: RunningWeir) -> None:
    with admin(weir.bootstrap) as client:
        client.create_topics({weir.outputs[0]: {"num_partitions": 1, "replication_factor": 1}})
    run = weir.weir("demo", "--events", "10")
    assert run.returncode == 3
    assert weir.outputs[0] in run.stderr
    with admin(weir.bootstrap) as client:
        assert set(client.list_topics()) & {weir.raw_topic, *weir.outputs} == {weir.outputs[0]}


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (("demo",), ("--events", "--seed", "--json", "--svg", "--keep-topics", "five vendors")),
        (("bench", "pipeline"), ("--events", "--processes", "--json", "plain Faust")),
        (("bench", "sweep"), ("--partitions", "--plot", "--write", "--json")),
        (("bench", "sanitize"), ("--events", "--json", "CPU time")),
    ],
)
def test_help(weir: RunningWeir, command: tuple[str, ...], words: tuple[str, ...]) -> None:
    run = weir.weir(*command, "--help", NO_COLOR="1", COLUMNS="100")
    assert run.returncode == 0
    for word in words:
        assert word in run.stdout
