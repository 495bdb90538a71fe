"""What a text's answer may depend on: the text and its locale, and nothing that is read along with it."""

import math
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest
from spacy.language import Language
from spacy.tokens import Doc

from service.bench.detection.cases import read_cases
from service.demo.events import generate
from service.detection.detector import _BATCH_CHARACTERS, _BATCH_TEXTS, Detector, _portions
from service.detection.models import adds_alike_in_any_batch, load_model
from service.detection.spans import Span, TextRequest
from service.events.json_value import JsonValue

CASES = Path(__file__).parents[2] / "golden" / "detection_cases.ndjson"
BATCH_SIZES = (1, 2, 3, 7, 30, _BATCH_TEXTS, 300)


@pytest.fixture(scope="module", params=["en_core_web_md", "fr_core_news_sm"])
def model(request: pytest.FixtureRequest) -> Language:
    return load_model(request.param)


def _strings(value: JsonValue) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for inner in value.values():
            yield from _strings(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _strings(inner)


def _texts() -> list[str]:
    """Every kind of text: short and long, of several languages, words and none."""
    random = Random(5)
    cases = [case.text for case in read_cases(CASES)]
    events = [text for event in generate(150, seed=5) for text in _strings(event.body)]
    long = [" ".join(random.choices(cases, k=random.randint(5, 200))) for _ in range(3)]
    return list(dict.fromkeys([*cases, *events, *long, "", " ", "\n", "a", "😀"]))


def _random_batches(count: int, random: Random) -> Iterator[list[int]]:
    """Of so many things, by their number: each once, in any order and company."""
    shuffled = random.sample(range(count), count)
    while shuffled:
        size = random.choice(BATCH_SIZES)
        yield shuffled[:size]
        del shuffled[:size]


def test_a_text_has_the_same_spans_whatever_is_read_with_it_or_was_before(detector: Detector) -> None:
    random = Random(6)
    requests = [TextRequest(text, random.choice([None, "fr-FR", "de"])) for text in _texts()]
    alone: list[tuple[Span, ...]] = []
    for request in requests:
        detector.forget()
        alone += detector.detect([request])
    assert sum(map(bool, alone)) > 100
    for cold in (True, False, False):
        for batch in _random_batches(len(requests), random):
            if cold:
                detector.forget()
            found = detector.detect([requests[number] for number in batch])
            assert found == [alone[number] for number in batch]


def _scores(model: Language, docs: list[Doc]) -> list[bytes]:
    """Every score of every step that the recognizer takes through each document, bit for bit."""
    ner: Any = model.get_pipe("ner")
    step = ner.model.predict(docs)
    states = list(enumerate(ner.moves.init_batch(docs)))
    scores = [b"" for _ in docs]
    while states := [(position, state) for position, state in states if not state.is_final()]:
        rows = step.predict([state for _, state in states])
        for (position, _), row in zip(states, rows, strict=True):
            scores[position] += row.tobytes()
        ner.transition_states([state for _, state in states], rows)
    return scores


def test_a_models_scores_are_the_same_bits_in_any_batch(model: Language) -> None:
    docs = [model.make_doc(text) for text in _texts() if text and len(text) < 500]
    alone = [_scores(model, [doc])[0] for doc in docs]
    for batch in _random_batches(len(docs), Random(7)):
        assert _scores(model, [docs[number] for number in batch]) == [alone[number] for number in batch]


def test_a_row_of_a_product_is_the_same_bits_among_any_number_of_rows(model: Language) -> None:
    ner: Any = model.get_pipe("ner")
    layers = [layer.get_param("W") for layer in ner.model.walk() if layer.has_param("W")]
    random = np.random.default_rng(8)
    for outputs, inputs in {(math.prod(weights.shape[:-1]), weights.shape[-1]) for weights in layers}:
        weights = random.standard_normal((outputs, inputs), dtype=np.float32)
        rows = random.standard_normal((5_000, inputs), dtype=np.float32)
        alone = np.concatenate([ner.model.ops.gemm(row[np.newaxis], weights, trans2=True) for row in rows])
        for count in (*range(1, 301), len(rows)):
            together = ner.model.ops.gemm(rows[-count:], weights, trans2=True)
            assert np.array_equal(together, alone[-count:]), (outputs, inputs, count)
    assert adds_alike_in_any_batch(model)


def test_a_library_that_adds_a_row_alone_in_another_order_is_noticed(
    model: Language, monkeypatch: pytest.MonkeyPatch
) -> None:
    """NumPy's own product is such, and thinc uses it where it is told to do without `blis`."""
    ner: Any = model.get_pipe("ner")
    monkeypatch.setattr(ner.model.ops, "use_blis", False)
    assert not adds_alike_in_any_batch(model)


def test_where_company_would_change_a_text_each_goes_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("service.detection.detector.adds_alike_in_any_batch", lambda _: False)
    careful = Detector()
    assert careful._batch_texts == 1
    (spans,) = careful.detect([TextRequest("call Maria Silva", None)])
    assert [span.entity for span in spans] == ["PERSON"]


@pytest.mark.parametrize(
    ("lengths", "sizes"),
    [
        ([], []),
        ([1] * _BATCH_TEXTS, [_BATCH_TEXTS]),
        ([1] * (_BATCH_TEXTS + 1), [_BATCH_TEXTS, 1]),
        ([_BATCH_CHARACTERS // 2] * 5, [2, 2, 1]),
        ([_BATCH_CHARACTERS, 1, _BATCH_CHARACTERS - 1, 1], [1, 2, 1]),
        ([_BATCH_CHARACTERS + 1, 0, _BATCH_CHARACTERS + 1], [1, 1, 1]),
    ],
)
def test_a_model_is_given_so_many_texts_and_characters_at_once(lengths: list[int], sizes: list[int]) -> None:
    texts = ["x" * length for length in lengths]
    batches = list(_portions(texts, _BATCH_TEXTS, _BATCH_CHARACTERS, len))
    assert [len(batch) for batch in batches] == sizes
    assert [text for batch in batches for text in batch] == texts
