"""The detector as a whole: offsets, batches, long texts, hidden and encoded things, no network."""

import json
import socket
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from service.bench.detection.cases import figures, read_cases, scrubbed
from service.detection.detector import _OVERLAP, _WINDOW, Detector
from service.detection.models import load_model
from service.detection.profile import Profile
from service.detection.spans import Span, TextRequest, merge
from service.errors import ConfigurationError
from service.policy.entities import Entity

CASES = Path(__file__).parents[2] / "golden" / "detection_cases.ndjson"


def _detect(detector: Detector, text: str, locale: str | None = None) -> tuple[Span, ...]:
    (spans,) = detector.detect([TextRequest(text, locale)])
    return spans


def _scrub(detector: Detector, text: str) -> str:
    return scrubbed(text, _detect(detector, text))


def test_the_cases_do_not_get_worse(detector: Detector) -> None:
    """218 texts with 182 secrets: what is found, and what is left alone."""
    cases = read_cases(CASES)
    found = detector.detect([TextRequest(case.text, None) for case in cases])
    sums = figures(cases, [scrubbed(case.text, spans) for case, spans in zip(cases, found, strict=True)])
    assert sums.leaked <= 3
    assert sums.kept >= sums.keeps - 3


def test_alone_and_batched_agree(detector: Detector) -> None:
    requests = [TextRequest(json.loads(line)["text"], None) for line in CASES.read_text("utf-8").splitlines()]
    detector.forget()
    batched = detector.detect(requests)
    detector.forget()
    backwards = detector.detect(requests[::-1])[::-1]
    alone = []
    for request in requests:
        detector.forget()
        alone += detector.detect([request])
    assert batched == alone == backwards


def test_offsets_are_those_of_the_text_as_given(detector: Detector) -> None:
    text = "\u200bmail ge\u200brd.ol\u200bsen@exa\u200bmple.org 😀 now"
    (span,) = _detect(detector, text)
    assert text[span.start : span.end] == "ge\u200brd.ol\u200bsen@exa\u200bmple.org"
    assert span.entity is Entity.EMAIL_ADDRESS


@pytest.mark.parametrize("before", [0, _WINDOW - _OVERLAP - 9, _WINDOW - 9, _WINDOW, 3 * _WINDOW - 5])
def test_nothing_in_a_long_text_is_left_unscanned(detector: Detector, before: int) -> None:
    filler = ("retry compare output again " * 600)[:before].rsplit(" ", 1)[0]
    text = f"{filler} ask Annabel Frost at a.frost@example.org please"
    assert _scrub(detector, text) == f"{filler} ask <PERSON> at <EMAIL_ADDRESS> please"


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("see bWlsYS5ob3J2YXRAZXhhbXBsZS5vcmc= here", "see <ENCODED> here"),
        ("hex 6d696c612e686f72766174406578616d706c652e6f7267", "hex <ENCODED>"),
        ("to=%256D%2561il%2540example.org", "to=<EMAIL_ADDRESS>"),
    ],
)
def test_encoded_runs_go_as_a_whole(detector: Detector, text: str, result: str) -> None:
    assert _scrub(detector, text) == result


def test_base64_in_base64(detector: Detector) -> None:
    outer = "cHJlZml4IGJXRnBiQ0JoYm01QVpYaGhiWEJzWlM1dmNtYz0gc3VmZml4"
    assert _scrub(detector, f"x {outer} y") == "x <ENCODED> y"


def test_french_is_read_by_the_french_model(detector: Detector) -> None:
    assert _scrub(detector, "Le bouton Exporter ne fait rien") == "Le bouton Exporter ne fait rien"


@pytest.mark.parametrize("text", ["y e", "E. E.", "E.E", "van de", "Y. de la"])
def test_particles_alone_are_no_name(detector: Detector, text: str) -> None:
    assert _scrub(detector, text) == text


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(max_size=200) | st.text(alphabet="aA@1 .-%\\u&#;='\"\u200bé张", max_size=120))
def test_any_text_has_an_answer_within_its_bounds(detector: Detector, text: str) -> None:
    spans = _detect(detector, text)
    assert all(0 <= span.start < span.end <= len(text) for span in spans)
    assert all(left.end <= right.start for left, right in pairwise(spans))


def test_half_a_surrogate_pair_stops_no_model(detector: Detector) -> None:
    assert (
        _scrub(detector, "Zoltan Xyzzk\ud83d saw \udc00\ud800 Priya")
        == "<PERSON>\ud83d saw \udc00\ud800 <PERSON>"
    )


def test_the_cache_is_bounded_and_changes_no_answer(detector: Detector) -> None:
    requests = [TextRequest(f"text {number}", None) for number in range(50)]
    assert detector.detect(requests) == detector.detect([*requests, *requests])[:50]


def test_texts_are_counted_by_where_the_answer_came_from(detector: Detector) -> None:
    detector.forget()
    detector.take_counts()
    old, new, long = (TextRequest(text, None) for text in ("a note", "another", "word " * 1000))
    for requests in ([old, long], [old, new, new, long]):
        detector.detect(requests)
    assert detector.take_counts() == {"cache": 1, "rules": 4, "model": 0}  # what is long is never kept
    assert not detector.take_counts()


def test_no_socket_is_opened(monkeypatch: pytest.MonkeyPatch, detector: Detector) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("detection reached for the network")

    monkeypatch.setattr(socket, "socket", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    detector.forget()
    detector.detect(
        [TextRequest(json.loads(line)["text"], None) for line in CASES.read_text("utf-8").splitlines()]
    )


def test_an_unknown_model_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="en_core_web_xl"):
        load_model("en_core_web_xl")


@pytest.mark.parametrize(
    ("text", "scrubbed_text"),
    [
        ("Her maiden name is Hill", "Her maiden name is <PERSON>"),
        ("Leonie, can you look at the export?", "<PERSON>, can you look at the export?"),
        (
            "Ottilie Brandmann asked. The build of obrandmann waits for Ottilie.",
            "<PERSON> asked. The build of <USER_NAME> waits for <PERSON>.",
        ),
        ("Bùi Thanh Hằng không vào được", "<PERSON> không vào được"),
        ("محمد الحربي لا يستطيع الدخول", "<PERSON> لا يستطيع الدخول"),
    ],
)
def test_what_proves_a_name(detector: Detector, text: str, scrubbed_text: str) -> None:
    assert _scrub(detector, text) == scrubbed_text


def test_profiles_look_the_more_closely(detector: Detector) -> None:
    texts = [case.text for case in read_cases(CASES)]
    fast, strict = Detector(profile=Profile.FAST), Detector("en_core_web_sm", Profile.STRICT)
    covered = []
    for one in (fast, detector, strict):
        found = one.detect([TextRequest(text, None) for text in texts])
        covered.append(sum(span.end - span.start for spans in found for span in merge(spans)))
    assert covered == sorted(covered)
    assert len(set(covered)) == len(Profile)
