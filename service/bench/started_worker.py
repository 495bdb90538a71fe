"""A worker with a Kafka and topics of its own, ready to be measured."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from service.broker.local import use_broker
from service.demo.pipeline import Pipeline, RunningProcess, own_settings
from service.demo.run import Steps
from service.policy.plan import CompiledPolicy
from service.settings import Settings


@dataclass(frozen=True, slots=True)
class StartedWorker:
    """What there is.

    Attributes:
        settings: The worker's.
        pipeline: Its topics.
        process: The worker, which has its partitions.
        port: Its probe and metrics port on loopback.
    """

    settings: Settings
    pipeline: Pipeline
    process: RunningProcess
    port: int


@contextmanager
def started_worker(
    settings: Settings, policy: CompiledPolicy, steps: Steps, bootstrap: str | None = None
) -> Iterator[StartedWorker]:
    """Start a worker, and Kafka unless its servers or WEIR_KAFKA_BOOTSTRAP are given; both end in the end.

    Raises:
        WeirError: if one of them does not start.
    """
    with ExitStack() as stack:
        with steps.step("Create the topics" if bootstrap else "Start Kafka and create the topics"):
            bootstrap = bootstrap or stack.enter_context(use_broker())
            own = stack.enter_context(own_settings(settings, bootstrap, probe_host="127.0.0.1"))
            pipeline = Pipeline(own, policy)
            stack.enter_context(pipeline.topics(keep=False))
        with steps.step("Start the worker"):
            process = stack.enter_context(pipeline.worker())
            port = int(str(process.wait_for("worker_starting")["probe_port"]))
            process.wait_for("partitions_assigned")
        yield StartedWorker(own, pipeline, process, port)
