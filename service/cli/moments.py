"""Points in time on the command line."""

import re
import time
from typing import Final

import typer

from service.events.timestamps import parse_timestamp

_RELATIVE: Final = re.compile(r"-([0-9]{1,9})([smhd])")
_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_SECONDS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


def moment(text: str) -> int:
    """Milliseconds since 1970 of an RFC 3339 date-time, a date's beginning in UTC, or so long ago (`-2h`).

    Times before 1970 count as its beginning.

    Raises:
        typer.BadParameter: if it is none of these.
    """
    relative = _RELATIVE.fullmatch(text)
    if relative:
        return max(0, int(1000 * (time.time() - int(relative[1]) * _SECONDS[relative[2]])))
    try:
        return max(0, 1000 * parse_timestamp(f"{text}T00:00:00Z" if _DATE.fullmatch(text) else text))
    except ValueError as error:
        raise typer.BadParameter(
            f"{error}; write 2026-03-02T06:00:00Z, 2026-03-02, or -90s, -30m, -2h, -7d for so long ago"
        ) from None
