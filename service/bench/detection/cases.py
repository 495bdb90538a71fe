"""Texts of which only some words are labelled: secrets that must go, and keeps that must stay.

A file of cases holds one JSON object a line. Its text is that of `text`, or what the pipeline asks
detection about for a raw event (`event`, `raw` as text, or `raw_b64`). Of its `secrets` and `keeps`, those
that do not stand in that text are not detection's business.
"""

import base64
import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

from service.bench.detection.measures import Found
from service.detection.detector import Detector
from service.detection.profile import Profile
from service.detection.reading import fold, lowered, unescape
from service.detection.spans import Span, TextRequest
from service.errors import ConfigurationError
from service.policy import load
from service.pseudonyms.keyring import KeyRing
from service.sanitize.sanitizer import Sanitizer
from service.settings import Settings

_SHORTEST_PART: Final = 3


class Case(NamedTuple):
    """Texts of one event, what must not be left of them, and what must.

    Attributes:
        texts: The texts that detection is asked about.
        secrets: Those that stand in the texts.
        keeps: Likewise.
    """

    texts: tuple[TextRequest, ...]
    secrets: tuple[str, ...]
    keeps: tuple[str, ...]

    @property
    def text(self) -> str:
        """All texts, a line each."""
        return "\n".join(request.text for request in self.texts)


class Figures(NamedTuple):
    """How many of how many secrets were left, and of how many keeps."""

    leaked: int
    secrets: int
    kept: int
    keeps: int


def read_cases(path: Path) -> list[Case]:
    """The cases of a file whose lines have a `text`, in order.

    Raises:
        ConfigurationError: if the file cannot be read or is no file of cases.
    """
    return _read(path, None)


def read_event_cases(path: Path, events: "TextsOfEvents") -> list[Case]:
    """The cases of a file, in order; its lines may be raw events.

    Raises:
        ConfigurationError: as above.
    """
    return _read(path, events)


class TextsOfEvents:
    """Tells which texts of an event the pipeline asks detection about."""

    def __init__(self, settings: Settings) -> None:
        assert settings.keyring_file is not None
        self._asked = _Asked()
        keyring = KeyRing.load(settings.keyring_file, settings.keyring_kek_file)
        self._sanitizer = Sanitizer(load(settings.config_dir), keyring, self._asked)

    def of(self, records: Sequence[bytes]) -> list[TextRequest]:
        """The texts of raw events, in order, repeated as often as they occur."""
        self._sanitizer.sanitize(records)
        return self._asked.take()


class _Asked(Detector):
    """Notes what it is asked, and finds nothing."""

    def __init__(self) -> None:
        super().__init__(profile=Profile.FAST)
        self._requests: list[TextRequest] = []

    def find(self, requests: Sequence[TextRequest]) -> list[tuple[Span, ...]]:
        self._requests += requests
        return [() for _ in requests]

    def take(self) -> list[TextRequest]:
        """What it was asked since the last call."""
        taken, self._requests = self._requests, []
        return taken


def _read(path: Path, events: TextsOfEvents | None) -> list[Case]:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise ConfigurationError(f"{path}: cannot be read: {error.strerror}") from None
    cases = []
    for number, line in enumerate(lines, 1):
        try:
            cases.append(_case(json.loads(line), events))
        except (ValueError, KeyError, TypeError, AttributeError):
            raise ConfigurationError(f"{path}, line {number}: is no case") from None
    return cases


def _case(content: dict[str, Any], events: TextsOfEvents | None) -> Case:
    if events is None or "text" in content:
        texts = [TextRequest(content["text"], None)]
    else:
        texts = list(dict.fromkeys(events.of([_record(content)])))
    readable = _readable("\n".join(request.text for request in texts))
    return Case(
        tuple(texts),
        tuple(secret for secret in map(str, content.get("secrets", [])) if _readable(secret) in readable),
        tuple(keep for keep in map(str, content.get("keeps", [])) if lowered(keep) in lowered(readable)),
    )


def _record(content: dict[str, Any]) -> bytes:
    """The raw record of a case, as it stands on Kafka."""
    if "event" in content:
        return json.dumps(content["event"], ensure_ascii=False).encode("utf-8", "surrogatepass")
    if "raw" in content:
        return str(content["raw"]).encode("utf-8", "surrogatepass")
    return base64.b64decode(str(content["raw_b64"]))


def scrubbed(text: str, spans: Sequence[Span] | Sequence[Found]) -> str:
    """The text with every span replaced by its kind; spans are in order and do not overlap."""
    pieces, position = [], 0
    for span in spans:
        pieces += [text[position : span.start], f"<{span.entity}>"]
        position = span.end
    return "".join([*pieces, text[position:]])


def leaks(case: Case, result: str) -> list[str]:
    """The secrets of which all is left, or a word that stands nowhere else in the text."""
    left = _readable(result)
    outside = _readable(case.text)
    for secret in case.secrets:
        outside = outside.replace(_readable(secret), " ")
    return [
        secret
        for secret in case.secrets
        if _readable(secret) in left
        or any(_stands(part, left) and not _stands(part, outside) for part in _parts(_readable(secret)))
    ]


def lost(case: Case, result: str) -> list[str]:
    """The keeps that are gone."""
    return [keep for keep in case.keeps if lowered(keep) not in lowered(result)]


def figures(cases: Sequence[Case], results: Sequence[str]) -> Figures:
    """The sums over all cases."""
    pairs = list(zip(cases, results, strict=True))
    return Figures(
        sum(len(leaks(case, result)) for case, result in pairs),
        sum(len(case.secrets) for case in cases),
        sum(len(case.keeps) - len(lost(case, result)) for case, result in pairs),
        sum(len(case.keeps) for case in cases),
    )


def _readable(text: str) -> str:
    folded = fold(text)
    return lowered((unescape(folded) or folded).text)


def _parts(secret: str) -> list[str]:
    return [part for part in re.findall(r"[^\W\d_]+", secret) if len(part) >= _SHORTEST_PART]


def _stands(part: str, text: str) -> bool:
    return re.search(rf"(?<![^\W_]){re.escape(part)}(?![^\W_])", text) is not None
