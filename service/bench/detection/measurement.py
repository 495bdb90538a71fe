"""The run: texts are made, and each contender reads all of them."""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from service.bench.detection.cases import Case, Figures, TextsOfEvents, figures, read_event_cases, scrubbed
from service.bench.detection.contenders import Contender, StockPresidio, Weir
from service.bench.detection.generated import generate
from service.bench.detection.labelled import Source, Split
from service.bench.detection.measures import judge
from service.bench.detection.report import DetectionReport, Result
from service.bench.detection.speed import demo_texts, speed
from service.demo.pipeline import own_settings
from service.demo.run import Steps
from service.detection.profile import Profile
from service.detection.spans import TextRequest
from service.settings import Settings


def measure(
    settings: Settings,
    *,
    corpora: Sequence[Path],
    texts: int,
    seed: int,
    split: Split,
    profiles: Sequence[Profile],
    stock: bool,
    steps: Steps,
) -> DetectionReport:
    """Let every contender read the same texts, one contender after the other.

    Args:
        settings: Whose policy says which texts of an event detection is asked about.
        corpora: Files of cases.
        texts: How many texts of each source, and for the speeds.
        seed: Which texts.
        split: Of which half of the templates and values.
        profiles: Weir's profiles that are measured.
        stock: Whether Presidio as it comes is measured too.
        steps: Shows what it is at.

    Raises:
        ConfigurationError: if a file is no file of cases, or the policy is wrong.
    """
    with steps.step("Make the texts"), own_settings(settings, settings.kafka_bootstrap) as own:
        events = TextsOfEvents(own)
        cases = {path.name: read_event_cases(path, events) for path in corpora}
        labelled = [text for source in Source for text in generate(source, texts, seed=seed, split=split)]
        read = demo_texts(events, texts, seed=seed)
    makers: list[Callable[[], Contender]] = [partial(Weir, profile) for profile in dict.fromkeys(profiles)]
    if stock:
        makers.append(StockPresidio)
    results = {}
    for make in makers:
        contender = make()
        with steps.step(f"{contender.name}: quality"):
            requests = [TextRequest(text.text, text.locale) for text in labelled]
            found = contender.together(requests)
            judged = [judge(text, spans) for text, spans in zip(labelled, found, strict=True)]
            by_file = {file: _figures(contender, rows) for file, rows in cases.items()}
        with steps.step(f"{contender.name}: speed"):
            results[contender.name] = Result(judged, by_file, speed(contender, read))
    return DetectionReport(split, seed, labelled, len(read.mixed), read.distinct_share, results)


def _figures(contender: Contender, cases: Sequence[Case]) -> Figures:
    """What is left of each case's texts."""
    results = []
    for case in cases:
        found = contender.together(case.texts)
        lines = [scrubbed(request.text, spans) for request, spans in zip(case.texts, found, strict=True)]
        results.append("\n".join(lines))
    return figures(cases, results)
