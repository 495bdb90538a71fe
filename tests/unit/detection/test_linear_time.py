"""No pattern backtracks without bound: four times the text may not take much more than four times as long."""

import time
from collections.abc import Callable
from functools import partial

import pytest
from presidio_analyzer import EntityRecognizer

from service.detection.engine import Engine
from service.detection.reading import fold, unescape
from service.detection.scan import Scan
from service.sanitize import gate_patterns

UNITS = [
    *"aA1@.-:=/_'\u200bé名",
    *(
        "a.",
        "1 ",
        "1-",
        "1.",
        "Ab ",
        "%41",
        "&#64;",
        "\\u0041",
        "a@",
        "@a.",
        "a dot ",
        "a at ",
        "password ",
        "key=",
    ),
    *("+1", "12 rue ", "1 a ", "Maria ", "MariaSilva", "a:b@", "://", "eyJ", "-----BEGIN A PRIVATE KEY-----"),
    *("Mr ", "/home/", "lat: ", "1.234, ", "佐藤", "DE12 ", "1° ", "Calle ", "[at]", "born ", "\n", '{"'),
]
_SHORT, _LONG = 2_000, 8_000
#: Far below quadratic, which would be 16 for a fourfold text; and fast enough not to matter at all.
_HIGHEST_RATIO, _NEGLIGIBLE_SECONDS = 10, 0.25


def _analyze(recognizer: EntityRecognizer, text: str) -> object:
    return recognizer.analyze(text, recognizer.supported_entities, Scan(text))


def _searches() -> dict[str, Callable[[str], object]]:
    searches: dict[str, Callable[[str], object]] = {
        type(recognizer).__name__: partial(_analyze, recognizer)
        for recognizer in Engine().registry.recognizers
    }
    return {**searches, "reading": lambda text: unescape(fold(text)), "gate": gate_patterns.find}


SEARCHES = _searches()


@pytest.mark.parametrize("name", SEARCHES)
def test_time_grows_with_the_text_not_faster(name: str) -> None:
    for unit in UNITS:
        short, long = (_best(SEARCHES[name], (unit * size)[:size]) for size in (_SHORT, _LONG))
        assert long < _NEGLIGIBLE_SECONDS or long < _HIGHEST_RATIO * short, unit


def _best(search: Callable[[str], object], text: str) -> float:
    times = []
    for _ in range(2):
        start = time.process_time()
        search(text)
        times.append(time.process_time() - start)
    return min(times)
