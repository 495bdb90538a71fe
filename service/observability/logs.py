"""Log lines: codes, counts and coordinates. Nothing that could hold a value of an event gets through."""

import logging
import sys
import threading
import time
import traceback
from typing import Final, Literal, NamedTuple

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from service.errors import WeirError

Level = Literal["debug", "info", "warning", "error"]
Format = Literal["auto", "console", "json"]

OURS: Final = "service"

#: Seconds for which a warning or error that comes again is only counted, and how many kinds are remembered.
REPEATED: Final = 10.0
KINDS: Final = 1000

#: Numbers from here on may be somebody's: a phone's, a card's, a user's.
LARGEST_NUMBER: Final = 10**9

#: For our subclasses of Faust's classes: what Faust says through them may quote records; held to warnings.
FAUST_LOGGER: Final = logging.getLogger("faust")


def configure_logging(level: Level, fmt: Format) -> None:
    """Send every log line of the process to stderr, one form for ours and others'.

    Libraries are never asked for more than warnings: at DEBUG aiokafka prints keys and values
    of what it sends, and Faust what it consumes.
    """
    as_json = fmt == "json" or (fmt == "auto" and not sys.stderr.isatty())
    shared: list[Processor] = [
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _exceptions_without_messages,
    ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
    )
    renderer: Processor = (
        structlog.processors.JSONRenderer()
        if as_json
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.PositionalArgumentsFormatter(), *shared],
            processors=[_repeated, structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    handler.addFilter(Repetitions())
    handler.addFilter(_without_foreign_values)
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger(OURS).setLevel(level.upper())
    logging.captureWarnings(capture=True)
    logging.raiseExceptions = False  # the complaint about a line that can't be written quotes its arguments
    sys.excepthook = _log_uncaught
    threading.excepthook = lambda uncaught: _log_uncaught(None, uncaught.exc_value, None)
    sys.unraisablehook = lambda uncaught: _log_uncaught(None, uncaught.exc_value, None)


def _log_uncaught(_: object, error: BaseException | None, __: object) -> None:
    """In place of a traceback, which ends in the exception's text."""
    structlog.get_logger(__name__).error("uncaught_exception", exc_info=error)


class _Kind(NamedTuple):
    """What makes two lines the same but for their details."""

    logger: str
    level: int
    text: str
    error: str
    vendor: str  # what befalls one vendor after another is no repetition

    @classmethod
    def of(cls, record: logging.LogRecord) -> "_Kind":
        line = record.msg if isinstance(record.msg, dict) else {"event": record.msg}
        error = line.get("error") or line.get("exception") or type(_error(record.exc_info)).__name__
        return cls(record.name, record.levelno, str(line["event"]), str(error), str(line.get("vendor")))


class Repetitions:
    """Lets the first warning or error of a kind through, and then one in `REPEATED` seconds, with a count.

    While Kafka is away, aiokafka says so for each connection and partition several times a second.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._seen: dict[_Kind, tuple[float, int]] = {}

    def __call__(self, record: logging.LogRecord) -> bool:
        """Whether the line is to be written; its attribute `repeated` counts those that were not."""
        if not logging.WARNING <= record.levelno < logging.CRITICAL:
            return True
        kind, now = _Kind.of(record), time.monotonic()
        with self._lock:
            last, held_back = self._seen.get(kind, (-REPEATED, 0))
            if now - last < REPEATED:
                self._seen[kind] = (last, held_back + 1)
                return False
            if len(self._seen) >= KINDS:
                self._seen.clear()
            self._seen[kind] = (now, 0)
        record.repeated = held_back
        return True


def _repeated(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    repeated = getattr(event.get("_record"), "repeated", 0)
    if repeated:
        event["repeated"] = repeated
    return event


def _without_foreign_values(record: logging.LogRecord) -> bool:
    """Of what libraries put into their lines, only small numbers are shown: all else may quote an event.

    Warnings of Python's are cut after their place and class, asyncio's reprs of tasks after the first line.
    """
    if isinstance(record.msg, dict):
        return True
    if record.name == "py.warnings":
        record.msg, record.args = ":".join(record.getMessage().split(":")[:3]), ()
    elif isinstance(record.args, tuple):
        record.args = tuple(_shown(each) for each in record.args)
    elif record.args:
        record.args = {name: _shown(value) for name, value in record.args.items()}
    record.msg = record.msg if isinstance(record.msg, str) else _shown(record.msg)
    if record.name == "asyncio":
        record.msg = str(record.msg).partition("\n")[0]
    try:
        record.getMessage()
    except (TypeError, ValueError):  # a form for numbers, and what was none to show
        record.args = ()
    return True


def _shown(argument: object) -> object:
    if argument is None:
        return None
    if isinstance(argument, int | float) and abs(argument) < LARGEST_NUMBER:
        return round(argument)
    return f"<{type(argument).__qualname__}>"


def _error(found: object) -> BaseException | None:
    error = sys.exc_info()[1] if found is True else found[1] if isinstance(found, tuple) else found
    return error if isinstance(error, BaseException) else None


def _exceptions_without_messages(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """An exception's class and places in place of its text, which may quote what it choked on."""
    error = _error(event.pop("exc_info", None))
    if error is not None:
        event["exception"] = type(error).__qualname__
        if isinstance(error, WeirError):  # written to hold no value
            event["message"] = str(error)
        event["at"] = [
            f"{frame.filename}:{frame.lineno} {frame.name}"
            for frame in traceback.extract_tb(error.__traceback__)
        ]
    return event
