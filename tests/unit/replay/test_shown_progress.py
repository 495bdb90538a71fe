"""What a person sees of a run: bars with log lines above them, or plain lines."""

import io
import logging

import pytest
from kafka import TopicPartition
from rich.console import Console
from rich.text import Text

from service.cli import replay_progress
from service.cli.replay_progress import percent, shown
from service.replay.definition import Range
from service.replay.progress import Progress
from service.replay.tally import Counted, Kind, Tally
from service.replay.targets import Mark

SOURCE = TopicPartition("events.raw", 3)


@pytest.fixture
def progress() -> Progress:
    """Two thirds of a partition are done, the rest is waited for."""
    progress = Progress()
    progress.begin(
        [Range(topic=SOURCE.topic, partition=SOURCE.partition, start=1000, end=4000)],
        {SOURCE: Mark(1000, Tally())},
    )
    tally = Tally(records=2000)
    tally.outcomes[Counted("posthog", Kind.SENT)] = 1990
    tally.outcomes[Counted("posthog", Kind.SUPPRESSED, "consent")] = 10
    progress.advance({SOURCE: 3000}, tally)
    progress.waits_for = "Kafka"
    return progress


def console(monkeypatch: pytest.MonkeyPatch, *, terminal: bool) -> io.StringIO:
    said = io.StringIO()
    monkeypatch.setattr(replay_progress, "stderr", Console(file=said, force_terminal=terminal, width=80))
    return said


def test_bars(progress: Progress, monkeypatch: pytest.MonkeyPatch) -> None:
    said = console(monkeypatch, terminal=True)
    before = io.StringIO()
    handler = logging.StreamHandler(before)
    monkeypatch.setattr(logging.getLogger(), "handlers", [handler])
    with shown(progress, "texts", every=60):
        logging.getLogger("service.replay").warning("waits")
    logging.getLogger("service.replay").warning("after")
    lines = [line.rstrip() for line in Text.from_ansi(said.getvalue()).plain.splitlines()]
    assert "waits" in lines
    assert before.getvalue() == "after\n"
    total, partition, facts = lines[-3:]
    assert total.split()[:2] + total.split()[-2:] == ["replay", "texts", "2000/3000", "67%"]
    assert partition.split()[0] == "events.raw/3"
    assert facts == "no rate yet, 1,990 sent, 10 suppressed, 0 dead-lettered, waits for Kafka"


def test_lines(progress: Progress, monkeypatch: pytest.MonkeyPatch) -> None:
    said = console(monkeypatch, terminal=False)
    with shown(progress, "texts", every=60):
        pass
    assert said.getvalue() == (
        "replay texts: 2,000 of 3,000 offsets (66%), "
        "no rate yet, 1,990 sent, 10 suppressed, 0 dead-lettered, waits for Kafka\n"
    )


@pytest.mark.parametrize(
    ("done", "total", "share"), [(0, 0, "100%"), (0, 7, "0%"), (999_999, 1_000_000, "99%"), (7, 7, "100%")]
)
def test_only_all_is_100_percent(done: int, total: int, share: str) -> None:
    assert percent(done, total) == share
