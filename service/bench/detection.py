"""Detection's quality and speed beside stock Presidio's, on a file of cases.

Run as `python -m service.bench.detection tests/golden/detection_cases.ndjson`. A case is one JSON object a
line: a `text`, the `secrets` that must not be left of it, and the `keeps` that must.
"""

import json
import re
import resource
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import tldextract
from presidio_analyzer import AnalyzerEngine
from presidio_analyzer.nlp_engine import SpacyNlpEngine

from service.bench.machine import machine
from service.detection.detector import Detector
from service.detection.models import load_model
from service.detection.reading import fold, lowered, unescape
from service.detection.spans import Span, TextRequest

_SHORTEST_PART = 3
_REPETITIONS = 3


class Case(NamedTuple):
    """A text, what must not be left of it, and what must."""

    text: str
    secrets: tuple[str, ...]
    keeps: tuple[str, ...]


class Figures(NamedTuple):
    """How many of how many secrets were left, and of how many keeps."""

    leaked: int
    secrets: int
    kept: int
    keeps: int


def read_cases(path: Path) -> list[Case]:
    """The cases of a file, in order."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return [
        Case(case["text"], tuple(case["secrets"]), tuple(case["keeps"])) for case in map(json.loads, lines)
    ]


def scrubbed(text: str, spans: Sequence[Span]) -> str:
    """The text with every span replaced by its entity."""
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


def _stock_presidio() -> Callable[[list[str]], list[str]]:
    """Presidio as it comes: en_core_web_md and the default recognizers."""
    # Its e-mail recognizer would fetch the public suffix list; the list that comes with the package will do.
    tldextract.tldextract.TLD_EXTRACTOR = tldextract.TLDExtract(suffix_list_urls=())
    engine = SpacyNlpEngine(models=[{"lang_code": "en", "model_name": "en_core_web_md"}])
    engine.nlp = {"en": load_model("en_core_web_md")}  # type: ignore[assignment]  # Presidio declares None
    analyzer = AnalyzerEngine(nlp_engine=engine)

    def scrub(texts: list[str]) -> list[str]:
        results = []
        for text in texts:
            for found in sorted(analyzer.analyze(text, language="en"), key=lambda r: -r.start):
                text = f"{text[: found.start]}<{found.entity_type}>{text[found.end :]}"  # noqa: PLW2901
            results.append(text)
        return results

    return scrub


def _weir() -> Callable[[list[str]], list[str]]:
    detector = Detector()

    def scrub(texts: list[str]) -> list[str]:
        detector.forget()
        found = detector.detect([TextRequest(text, None) for text in texts])
        return [scrubbed(text, spans) for text, spans in zip(texts, found, strict=True)]

    return scrub


def main() -> None:
    """Print the table."""
    cases = read_cases(Path(sys.argv[1]))
    texts = [case.text for case in cases]
    out = sys.stdout
    out.write(
        f"{machine()}; {len(cases)} texts, {sum(map(len, texts)) // len(texts)} characters on average\n"
    )
    for name, make in (("Weir", _weir), ("stock Presidio", _stock_presidio)):
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        scrub = make()
        results = scrub(texts)
        times = []
        for _ in range(_REPETITIONS):
            start = time.process_time()
            scrub(texts)
            times.append(time.process_time() - start)
        sums = figures(cases, results)
        memory = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024
        out.write(
            f"{name}: leaked {sums.leaked} of {sums.secrets} ({sums.leaked / sums.secrets:.1%}), "
            f"kept {sums.kept} of {sums.keeps} ({sums.kept / sums.keeps:.1%}), "
            f"{len(texts) / min(times):.0f} texts per second of CPU time, {memory} MB more memory\n"
        )


if __name__ == "__main__":
    main()
