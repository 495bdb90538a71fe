"""Short cuts change no answer: each is held against the long way round, on texts made to tempt it."""

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from presidio_analyzer import AnalyzerEngine, EntityRecognizer
from presidio_analyzer.context_aware_enhancers import ContextAwareEnhancer
from presidio_analyzer.nlp_engine import NoOpNlpEngine

from service.bench.detection.cases import read_cases
from service.detection.detector import Detector
from service.detection.engine import _LOWEST_SCORE, LANGUAGE, Engine, _spans
from service.detection.profile import Profile
from service.detection.scan import Scan
from service.detection.spans import Span, TextRequest, merge
from service.detection.words import split_words
from service.sanitize.sanitizer import Sanitizer
from tests.unit.detection.test_detector import CASES

#: What recognizers look for, broken where a condition on it might be wrong.
PIECES = (
    *(
        "ann@example.org",
        "ann aT example dOt org",
        "ann_at_example.com",
        "ann (ÄT) example punkt de",
        "@quill",
    ),
    *("+44 20 7946 0958", "0151/2345678", "7 654 321", "1-2-3-4-5-6-7", "555.0100", "(0)30 1234567"),
    *("4111 1111 1111 1111", "DE89 3704 0044 0532 0130 00", "gb82west12345698765432", "GB82 WEST"),
    *("10.0.0.1", "::1", "2001:db8::7", "::", "00:1a:2B:3c:4d:5e", "aabb.ccdd.eeff", "aa-bb-cc-dd-ee-ff"),
    *("RSSMRA85T10A562S", "bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq", "1BoatSLRHtKNngkdXEeobR76b53LETtpyT"),
    *("born 1 May 87", "dob", "1987", "geb. 01.02.90", "생년월일", "1990년 1월 2일"),
    *("12 Elm Road", "rue du Bac 3", "Lindenstraße", "5", "PO Box 7", "〒160-0022", "SW1A 1AA"),
    *("ABCDE1234F", "536-22-8841", "12345678Z", "QQ123456C", "passport", "X47", "no. C4TRTB8HF", "cvv 123"),
    *("48.858370, 2.294481", "lat: 48,85", "1°1'N", "CFGHJMPQ+23", "8FVC9G8F+6W"),
    *(
        "/home/ewa/x",
        "C:\\Users\\Ewa",
        "~ewa",
        "~root/",
        "password",
        "is",
        "hunter2!",
        "user=ewa",
        "://a:b@c",
    ),
    *(
        "eyJhbGciOiJIUzI1NiJ9.e30",
        "AKIAQ7ZLM2X4T5WPN3RD",
        "-----BEGIN PRIVATE KEY-----",
        "token 9f8a7b6c5d4e",
    ),
    *("Priya Raman", "maria", "SOUZA", "de", "O'Brien", "Dr.", "I'm", "Best,", "tom", "hope fields", "J. K."),
    *("plate KAT 4", "Will", "Price", "Юзгаев", "Кызмыч", "\ud800"),
    *(
        "田中さん",
        "张伟明",
        "김민수님",
        "Привет",
        "Йосиф",
        "café",
        "IOException",
        "Works",
        "Bank",
        "IBAN",
        "a",
    ),
    *(" ", "\n", ". ", ", ", ": ", "-", "_", "/", "=", '"', "%", "@", "1", "\u0661"),
)
TEXTS = st.lists(
    st.sampled_from(PIECES) | st.text(st.characters(codec="utf-8"), max_size=4), min_size=1, max_size=9
).flatmap(lambda pieces: st.sampled_from((" ", "", "\n", ", ")).map(lambda gap: gap.join(pieces)))
_SETTINGS = settings(
    max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@pytest.fixture(scope="module")
def engine() -> Engine:
    return Engine()


@pytest.fixture(scope="module")
def detector(sanitizer: Sanitizer) -> Detector:
    return sanitizer._detector


class _NoContext(ContextAwareEnhancer):
    def __init__(self) -> None:
        super().__init__(0, 0, 0, 0)

    def enhance_using_context(self, text, raw_results, *_, **__):  # type: ignore[no-untyped-def]
        return raw_results


@pytest.fixture(scope="module")
def analyzer(engine: Engine) -> AnalyzerEngine:
    """Presidio's own way: every recognizer, whatever the text."""
    return AnalyzerEngine(
        registry=engine.registry,
        nlp_engine=NoOpNlpEngine(models=[{"lang_code": LANGUAGE, "model_name": "none"}]),
        supported_languages=[LANGUAGE],
        context_aware_enhancer=_NoContext(),
        default_score_threshold=_LOWEST_SCORE,
    )


@_SETTINGS
@given(text=TEXTS)
def test_a_recognizer_that_is_not_called_would_have_found_nothing(engine: Engine, text: str) -> None:
    scan = Scan(text)
    for recognizer, needed in engine._conditional:
        if not needed(scan):
            assert not _found(recognizer, scan), type(recognizer).__name__


def _found(recognizer: EntityRecognizer, scan: Scan) -> list[Span]:
    return _spans(recognizer.analyze(scan.text, recognizer.supported_entities, scan))


@_SETTINGS
@given(text=TEXTS)
def test_the_rules_are_those_of_presidios_analyzer(
    engine: Engine, analyzer: AnalyzerEngine, text: str
) -> None:
    scan = Scan(text)
    theirs = analyzer.analyze(text, language=LANGUAGE, nlp_artifacts=scan)
    assert merge(engine.rules(scan)) == merge(_spans(theirs))


def _names_left(text: str, spans: tuple[Span, ...]) -> Iterator[str]:
    """Words that may be part of a name and are not within a span."""
    for word in split_words(text):
        within = any(span.start <= word.start and word.end <= span.end for span in spans)
        if not within and not word.initial and not word.particle:
            yield text[word.start : word.end]


def _fully(detector: Detector, requests: list[TextRequest]) -> list[tuple[Span, ...]]:
    """The long way: the model reads every text."""
    before, detector._profile = detector._profile, Profile.STRICT
    detector.forget()
    try:
        return detector.detect(requests)
    finally:
        detector._profile = before
        detector.forget()


def _check_the_cascade(detector: Detector, texts: list[str]) -> None:
    requests = [TextRequest(text, None) for text in texts]
    detector.forget()
    briefly = detector.detect(requests)
    for text, brief, full in zip(texts, briefly, _fully(detector, requests), strict=True):
        assert set(_names_left(text, brief)) <= set(_names_left(text, full)), text


@settings(_SETTINGS, max_examples=150)
@given(text=TEXTS)
@example(text="Priya Raman works with maria, de SOUZA")
def test_where_the_model_is_not_asked_it_would_have_added_no_word(detector: Detector, text: str) -> None:
    _check_the_cascade(detector, [text])


@_SETTINGS
@given(data=st.data(), text=TEXTS)
def test_nothing_that_a_model_may_say_would_add_a_word_where_it_is_not_asked(
    engine: Engine, data: st.DataObject, text: str
) -> None:
    scan = Scan(text)
    found = engine.rules(scan)
    if engine.undecided(scan, found):
        return
    edge = st.sampled_from([edge for word in scan.words for edge in (word.start, word.end)] or [0])
    people = data.draw(st.lists(st.tuples(edge, edge), max_size=4))
    scan.entities = [_said_person(*sorted(ends)) for ends in people]
    added = [*found, *engine.people(scan)]
    assert set(_names_left(text, merge(found))) <= set(_names_left(text, merge(added)))


def test_a_part_in_one_script_of_a_run_in_two_is_left_to_the_model(engine: Engine) -> None:
    scan = Scan("Hope Fields Кызмыч")
    assert not engine.rules(scan)
    scan.entities = [_said_person(0, 11)]
    assert engine.people(scan)
    assert engine.undecided(scan, [])


def _said_person(start: int, end: int) -> Any:
    """What is read of a model's entity."""
    return SimpleNamespace(start_char=start, end_char=end, label_="PERSON")


def test_the_same_on_texts_that_people_write(detector: Detector) -> None:
    _check_the_cascade(detector, [case.text for case in read_cases(CASES)])


def test_the_cascade_saves_the_model_something(detector: Detector) -> None:
    """Or the tests above would hold nothing: texts without a candidate and settled ones do not reach it."""
    detector.forget()
    detector.take_counts()
    detector.detect(
        [
            TextRequest(text, None)
            for text in ("the page is empty", "to ann@example.org", "IOException: denied")
        ]
    )
    counts = detector.take_counts()
    assert (counts["rules"], counts["model"]) == (2, 1)
