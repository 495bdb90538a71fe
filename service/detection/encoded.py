"""Runs of base64 and hexadecimal that hold a text."""

import base64
import binascii
import re
from collections.abc import Iterator
from typing import Final, NamedTuple

#: Both base64 alphabets (RFC 4648), once with and once without the slash that also parts paths.
_BASE64_RUNS: Final = (
    re.compile(r"[A-Za-z0-9+/_-]{12,}={0,2}"),
    re.compile(r"[A-Za-z0-9+_-]{12,}={0,2}"),
)
_HEX_RUN: Final = re.compile(r"(?:0x)?((?:[0-9a-fA-F]{2}){8,})")
_PRINTABLE: Final = re.compile(r"[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufffd]+")


class Decoded(NamedTuple):
    """What `text[start:end]` decodes to."""

    start: int
    end: int
    text: str


def decoded_runs(text: str) -> Iterator[Decoded]:
    """Every run that decodes to readable text."""
    seen = set()
    for pattern in _BASE64_RUNS:
        for match in pattern.finditer(text):
            if match.span() not in seen:
                seen.add(match.span())
                decoded = _base64(match[0])
                if decoded:
                    yield Decoded(*match.span(), decoded)
    for match in _HEX_RUN.finditer(text):
        decoded = _readable(binascii.unhexlify(match[1]))
        if decoded:
            yield Decoded(*match.span(), decoded)


def _base64(run: str) -> str | None:
    body = run.rstrip("=").replace("-", "+").replace("_", "/")
    if len(body) % 4 == 1:
        body = body[:-1]
    return _readable(base64.b64decode(body + "=" * (-len(body) % 4)))


def _readable(data: bytes) -> str | None:
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        return None
    return text if _PRINTABLE.fullmatch(text) else None
