"""The demo from beginning to end."""

import contextlib
from contextlib import AbstractContextManager
from dataclasses import dataclass
from random import Random
from typing import Protocol

from service.broker.local import use_broker
from service.demo.audit import audit
from service.demo.events import generate
from service.demo.ledger import balance
from service.demo.malformed import malformed
from service.demo.pipeline import Pipeline, Progress, Stopwatch, own_settings
from service.demo.planted import SampleEvent
from service.demo.report import Report
from service.demo.stories import choose
from service.policy import load
from service.settings import Settings


class Steps(Protocol):
    """Shows what the demo is at."""

    def step(self, what: str) -> AbstractContextManager[Progress]:
        """A step that lasts for the block; the block may tell its progress."""


@dataclass(frozen=True, slots=True)
class DemoRun:
    """What to run.

    Attributes:
        settings: The settings; broker, group, key ring and probe port are the demo's own.
        events: How many valid sample events.
        seed: Which.
        keep_topics: Whether the topics stay where the broker is somebody else's.
    """

    settings: Settings
    events: int
    seed: int
    keep_topics: bool

    def run(self, steps: Steps) -> Report:
        """Run it all.

        Raises:
            WeirError: if the broker or the worker does not do its part.
        """
        policy = load(self.settings.config_dir)
        with contextlib.ExitStack() as stack:
            with steps.step("Make up people and their events"):
                sample = self._sample()
            with steps.step("Start Kafka and create the topics"):
                bootstrap = stack.enter_context(use_broker())
                settings = stack.enter_context(own_settings(self.settings, bootstrap))
                pipeline = Pipeline(settings, policy)
                stack.enter_context(pipeline.topics(keep=self.keep_topics))
            with steps.step("Produce the raw records"):
                coordinates = pipeline.produce((event.key, event.raw) for event in sample)
            with steps.step("Run the worker: Faust and Presidio") as progress, pipeline.worker() as worker:
                watch = Stopwatch(progress)
                pipeline.wait(worker, watch)
            with steps.step("Read what the vendors would get"):
                books = balance(list(zip(sample, coordinates, strict=True)), pipeline.read(), policy)
            with steps.step("Search it for every planted value"):
                found = audit(sample, books.outputs)
        return Report(
            choose(sample, books.ledger),
            books.ledger,
            found,
            len(sample),
            watch,
        )

    def _sample(self) -> list[SampleEvent]:
        """The valid events in their order, and among them one malformed record of each kind."""
        sample = generate(self.events, seed=self.seed)
        random = Random(self.seed)  # noqa: S311  (a repeatable sample, no secret)
        for broken in malformed(self.seed).values():
            sample.insert(random.randrange(len(sample) + 1), broken)
        return sample
