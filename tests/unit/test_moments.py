"""Points in time on the command line."""

import time

import pytest
import typer

from service.cli.moments import moment


def test_rfc_3339() -> None:
    assert moment("2026-03-02T06:00:00Z") == 1_772_431_200_000
    assert moment("2026-03-02T07:00:00+01:00") == 1_772_431_200_000
    assert moment("1903-03-02T06:00:00Z") == 0


def test_date() -> None:
    assert moment("2026-03-02") == moment("2026-03-02T00:00:00Z")


@pytest.mark.parametrize(("text", "seconds"), [("-90s", 90), ("-30m", 1800), ("-2h", 7200), ("-7d", 604_800)])
def test_before_now(text: str, seconds: int) -> None:
    earliest = int(1000 * (time.time() - seconds))
    assert earliest <= moment(text) <= int(1000 * (time.time() - seconds))


@pytest.mark.parametrize(
    "text", ["", "2h", "-2", "-2w", "yesterday", "2026-02-30", "2026-3-2", "2026-03-02T06:00:00"]
)
def test_neither(text: str) -> None:
    with pytest.raises(typer.BadParameter, match="write 2026"):
        moment(text)
