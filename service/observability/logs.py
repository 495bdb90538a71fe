"""Log lines: codes, counts and coordinates. Nothing that could hold a value of an event gets through."""

import logging
import sys
import traceback
from typing import Final, Literal

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from service.errors import WeirError

Level = Literal["debug", "info", "warning", "error"]
Format = Literal["auto", "console", "json"]

OURS: Final = "service"

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
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    handler.addFilter(_without_texts_of_exceptions)
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger(OURS).setLevel(level.upper())
    logging.captureWarnings(capture=True)


def _without_texts_of_exceptions(record: logging.LogRecord) -> bool:
    """Libraries put exceptions into their lines as well: Faust as arguments, asyncio in a task's repr."""
    if isinstance(record.args, tuple):
        record.args = tuple(_name(each) for each in record.args)
    if record.name == "asyncio":
        record.msg = str(record.msg).partition("\n")[0]
    return True


def _name(argument: object) -> object:
    if isinstance(argument, BaseException) and not isinstance(argument, WeirError):
        return type(argument).__qualname__
    return argument


def _exceptions_without_messages(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """An exception's class and places in place of its text, which may quote what it choked on."""
    found = event.pop("exc_info", None)
    error = sys.exc_info()[1] if found is True else found[1] if isinstance(found, tuple) else found
    if isinstance(error, BaseException):
        event["exception"] = type(error).__qualname__
        if isinstance(error, WeirError):  # written to hold no value
            event["message"] = str(error)
        event["at"] = [
            f"{frame.filename}:{frame.lineno} {frame.name}"
            for frame in traceback.extract_tb(error.__traceback__)
        ]
    return event
