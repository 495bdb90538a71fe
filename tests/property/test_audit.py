"""Whatever planted value leaks, wherever and in whatever form: the audit sees it."""

import json
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Callable
from hashlib import md5, sha1, sha256
from urllib.parse import quote, quote_plus

from hypothesis import given
from hypothesis import strategies as st

from service.demo.audit import Bin, Output, audit
from service.demo.events import generate
from service.demo.planted import SampleEvent

SAMPLE = generate(300, seed=4)
CLEAN = (
    b'{"event":"Feedback Submitted","properties":{"comment":"<PERSON> here, call <PHONE_NUMBER>","rating":4}}'
)

FORMS: dict[str, Callable[[str], str]] = {
    "plain": str,
    "upper": str.upper,
    "lower": str.lower,
    "percent": lambda value: quote(value, safe=""),
    "form": quote_plus,
    "base64": lambda value: b64encode(value.encode()).decode(),
    "urlsafe": lambda value: urlsafe_b64encode(value.encode()).decode().rstrip("="),
    "json": lambda value: json.dumps({"deep": [value]}),
    "md5": lambda value: md5(value.encode()).hexdigest(),
    "sha1": lambda value: sha1(value.lower().encode()).hexdigest().upper(),
    "sha256": lambda value: sha256(value.encode()).hexdigest(),
}
PLACES: dict[str, Callable[[SampleEvent | None, str], Output]] = {
    "key": lambda event, text: Output(event, text.encode(), CLEAN, ()),
    "value": lambda event, text: Output(event, b"k", json.dumps({"a": [{"b": text}]}).encode(), ()),
    "name": lambda event, text: Output(event, b"k", json.dumps({"a": {text: 1}}).encode(), ()),
    "among words": lambda event, text: Output(event, b"k", json.dumps({"a": f"see {text}, ok"}).encode(), ()),
    "header": lambda event, text: Output(event, b"k", CLEAN, (("weir-key", text.encode()),)),
}


@given(st.sampled_from(SAMPLE), st.data(), st.sampled_from(sorted(FORMS)), st.sampled_from(sorted(PLACES)))
def test_every_leak_is_found(event: SampleEvent, data: st.DataObject, form: str, place: str) -> None:
    planted = data.draw(st.sampled_from(event.planted))
    leaked = FORMS[form](planted.value)
    if form == "json" and place == "among words":
        place = "value"  # JSON inside a string is the whole string
    own = audit([event], [PLACES[place](event, leaked)])
    assert own.structured_found + own.free_text_found > 0
    assert own.found[Bin(planted.place, planted.kind)] or own.structured_found
    stranger = SampleEvent(b"", b"", {}, 0, "en", ())
    assert audit([event, stranger], [PLACES[place](stranger, leaked)]).structured_found > 0
    assert audit([event], [PLACES[place](None, leaked)]).structured_found > 0


def test_nothing_is_found_in_clean_records() -> None:
    clean = [
        Output(event, b"w4f0c1d2e3a4b5c6d7e8f90a1b2c3d4e5", CLEAN, (("weir-key", b"k1"),)) for event in SAMPLE
    ]
    result = audit(SAMPLE, clean)
    assert result.structured_found == result.free_text_found == 0
    assert result.outputs == len(SAMPLE)
