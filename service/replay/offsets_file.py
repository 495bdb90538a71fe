"""The file of `--offsets`: a line `topic,partition,from,to` for each range."""

from pathlib import Path

from pydantic import ValidationError

from service.errors import ConfigurationError
from service.replay.definition import OffsetsLine


def read_offsets(file: Path) -> tuple[OffsetsLine, ...]:
    """Read it. A line without `to` goes to the partition's end; empty lines and those with `#` say nothing.

    Raises:
        ConfigurationError: it can't be read, or a line is none; the message names it.
    """
    try:
        text = file.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigurationError(f"--offsets: cannot read {file}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ConfigurationError(f"--offsets: {file} is no text") from None
    lines = {
        number: _line(file, number, line)
        for number, line in enumerate(text.splitlines(), 1)
        if line.strip() and not line.lstrip().startswith("#")
    }
    seen: dict[tuple[str, int], int] = {}
    for number, line in lines.items():
        before = seen.setdefault((line.topic, line.partition), number)
        if before != number:
            raise ConfigurationError(
                f"--offsets: {file}, line {number}: {line.topic}/{line.partition} is in line {before} already"
            )
    if not lines:
        raise ConfigurationError(f"--offsets: {file} names no offsets")
    return tuple(lines.values())


def _line(file: Path, number: int, line: str) -> OffsetsLine:
    parts = [part.strip() for part in line.split(",")]
    try:
        topic, partition, start, *rest = parts
        (end,) = rest or [""]
        found = OffsetsLine(
            topic=topic, partition=int(partition), start=int(start), end=int(end) if end else None
        )
    except (ValueError, ValidationError):
        raise ConfigurationError(
            f"--offsets: {file}, line {number}: not topic,partition,from,to as in events.raw,3,1000,2000"
        ) from None
    if found.end is not None and found.end <= found.start:
        raise ConfigurationError(f"--offsets: {file}, line {number}: the end is not after the start")
    return found
