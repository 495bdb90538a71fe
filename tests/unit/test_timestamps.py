"""RFC 3339 in, whole seconds out."""

import pytest

from service.events.timestamps import (
    EARLIEST,
    LATEST,
    NaiveTimestampError,
    format_timestamp,
    parse_timestamp,
)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1970-01-01T00:00:00Z", 0),
        ("2026-10-03T10:00:00Z", 1_791_021_600),
        ("2026-10-03t10:00:00z", 1_791_021_600),
        ("2026-10-03T12:00:00+02:00", 1_791_021_600),
        ("2026-10-03T04:30:00-05:30", 1_791_021_600),
        ("2026-10-03T10:00:00-00:00", 1_791_021_600),
        ("2026-10-03T10:00:00.999999999Z", 1_791_021_600),
        ("2026-10-03T10:00:00." + "9" * 400 + "Z", 1_791_021_600),
        # Before 1970 a fraction rounds down as well: to the earlier second.
        ("1969-12-31T23:59:59.9Z", -1),
        ("1969-12-31T23:59:58.1Z", -2),
        ("1970-01-01T00:30:00+01:00", -1800),
        ("2000-02-29T00:00:00Z", 951_782_400),
        # A leap second is the second before it, wherever the clock stood.
        ("2016-12-31T23:59:60Z", 1_483_228_799),
        ("2017-01-01T08:59:60+09:00", 1_483_228_799),
        ("0001-01-01T00:00:00Z", EARLIEST),
        ("9999-12-31T23:59:59Z", LATEST),
    ],
)
def test_reads(text: str, seconds: int) -> None:
    assert parse_timestamp(text) == seconds


@pytest.mark.parametrize(
    "text",
    [
        "2026-10-03T10:00:00",
        "2026-10-03T10:00:00.123",
        "2026-10-03t10:00:00",
    ],
)
def test_a_missing_offset_is_told_apart(text: str) -> None:
    with pytest.raises(NaiveTimestampError):
        parse_timestamp(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "yesterday",
        "1791021600",
        "2026-10-03",
        "2026-10-03 10:00:00Z",
        "2026-10-03T10:00Z",
        "20261003T100000Z",
        "2026-10-03T10:00:00 Z",
        " 2026-10-03T10:00:00Z",
        "2026-10-03T10:00:00Z\n",
        "2026-10-03T10:00:00.Z",
        "2026-10-03T10:00:00,5Z",
        "2026-10-03T10:00:00+0200",
        "2026-10-03T10:00:00+24:00",
        "2026-10-03T10:00:00+02:60",
        "2026-10-03T24:00:00Z",
        "2026-10-03T10:60:00Z",
        "2026-10-03T10:00:61Z",
        "2026-10-03T10:00:60Z",
        "2016-12-31T23:59:60+01:00",
        "2026-13-03T10:00:00Z",
        "2026-02-29T10:00:00Z",
        "2026-02-30T10:00:00",
        "0000-01-01T00:00:00Z",
        "+2026-10-03T10:00:00Z",
        "12026-10-03T10:00:00Z",
        "0001-01-01T00:00:00+01:00",
        "9999-12-31T23:59:59-01:00",
        "２０２６-10-03T10:00:00Z",
    ],
)
def test_refuses(text: str) -> None:
    with pytest.raises(ValueError) as caught:
        parse_timestamp(text)
    assert not isinstance(caught.value, NaiveTimestampError)
    assert not text or text not in str(caught.value)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "1970-01-01T00:00:00Z"),
        (-1, "1969-12-31T23:59:59Z"),
        (1_791_021_600, "2026-10-03T10:00:00Z"),
        (EARLIEST, "0001-01-01T00:00:00Z"),
        (LATEST, "9999-12-31T23:59:59Z"),
    ],
)
def test_writes(seconds: int, text: str) -> None:
    assert format_timestamp(seconds) == text
