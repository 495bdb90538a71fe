"""`weir worker`."""

import typer

from service.settings import load_settings


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(worker)


def worker() -> None:
    """Run a worker: raw events from Kafka in, sanitized events for each vendor out.

    Everything is set by WEIR_ environment variables (docs/configuration.md). Policy, key ring and topics are
    checked first. SIGTERM finishes the batches in work and exits 0; any failure exits 3 with nothing lost or
    sent twice, for whatever runs it to start it again. Run as many as the raw topic has partitions, at most.
    """
    from service.streaming.worker import run  # noqa: PLC0415  (Faust takes a second to import)

    run(load_settings())
