"""`weir sanitize`: the whole sanitizer on NDJSON, without Kafka."""

import asyncio
import sys
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Annotated, BinaryIO

import orjson
import typer

from service.cli.options import Config, KeyRingFile
from service.errors import ConfigurationError
from service.observability.logs import configure_logging
from service.policy.vendor_names import VendorName
from service.processes.batch_size import BatchSize
from service.processes.pool import PoolLimits, SanitizerPool
from service.sanitize.config import SanitizerConfig
from service.sanitize.outcomes import DeadLettered, Outcome, Sent, Suppressed
from service.settings import Settings, load_settings


def register(app: typer.Typer) -> None:
    """Add the command."""

    @app.command()
    def sanitize(
        vendor: Annotated[
            list[VendorName] | None,
            typer.Option(help="Show only this vendor's records; may be given more than once."),
        ] = None,
        config: Config = None,
        keyring: KeyRingFile = None,
        processes: Annotated[
            int | None, typer.Option(min=1, help="Processes to work with. [default: WEIR_PROCESSES]")
        ] = None,
    ) -> None:
        """Sanitize raw events, one JSON object a line, from stdin to stdout.

        For every line and vendor one record comes out: the sanitized event with its topic, key and headers,
        or why there is none. A line that is no valid event gives one record for all vendors.

        Example: weir keys generate dev.keys; weir sanitize --keyring dev.keys < events.ndjson
        """
        settings = load_settings()
        configure_logging(settings.log_level, settings.log_format)
        size = BatchSize(settings.batch_records)
        pool = SanitizerPool(
            sanitizer_config(settings, config, keyring),
            PoolLimits.of(settings),
            processes=processes or settings.processes,
            batch_size=size,
        )
        asyncio.run(_stream(pool, size, frozenset(vendor or VendorName)))


def sanitizer_config(settings: Settings, config: Path | None, keyring: Path | None) -> SanitizerConfig:
    """What a sanitizer is loaded from, by the options given and the settings.

    Raises:
        ConfigurationError: if neither names a key ring.
    """
    keyring_file = keyring or settings.keyring_file
    if keyring_file is None:
        raise ConfigurationError(
            "no key ring: give --keyring FILE or set WEIR_KEYRING_FILE (weir keys generate makes one)"
        )
    return SanitizerConfig(
        config or settings.config_dir,
        keyring_file,
        settings.spacy_model,
        settings.detection_profile,
        kek_file=settings.keyring_kek_file,
    )


async def _stream(pool: SanitizerPool, size: BatchSize, vendors: frozenset[VendorName]) -> None:
    """Sanitize stdin batch by batch, as many at once as there are processes, and write in order."""
    try:
        await pool.start()
        lines = _lines(sys.stdin.buffer)
        number = 1
        while window := list(islice(_batches(lines, size), pool.processes)):
            for result in await asyncio.gather(*map(pool.sanitize, window)):
                for outcomes in result.outcomes:
                    for outcome in outcomes:
                        if outcome.vendor is None or outcome.vendor in vendors:
                            sys.stdout.buffer.write(orjson.dumps(_record(number, outcome)) + b"\n")
                    number += 1
            sys.stdout.buffer.flush()
    finally:
        await pool.stop()


def _lines(stream: BinaryIO) -> Iterator[bytes]:
    for line in stream:
        yield line.removesuffix(b"\n")


def _batches(lines: Iterator[bytes], size: BatchSize) -> Iterator[list[bytes]]:
    while batch := list(islice(lines, size.records)):
        yield batch


def _record(number: int, outcome: Outcome) -> dict[str, object]:
    match outcome:
        case Sent():
            return {
                "line": number,
                "vendor": outcome.vendor,
                "topic": outcome.topic,
                "key": outcome.key.decode(),
                "value": orjson.Fragment(outcome.value),
                "headers": {name: value.decode() for name, value in outcome.headers},
            }
        case Suppressed():
            return {"line": number, "vendor": outcome.vendor, "suppressed": outcome.reason}
        case DeadLettered():
            who = {} if outcome.vendor is None else {"vendor": outcome.vendor}
            return {"line": number, **who, "rejected": {"stage": outcome.stage, "reason": outcome.reason}}
