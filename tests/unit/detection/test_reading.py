"""A text is read as a person reads it, and every offset leads back."""

import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.detection.reading import _HIDDEN, _MOST_MARKS, fold, lowered, unescape


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("plain ASCII\n", "plain ASCII\n"),
        ("ma\u200bria si\u00adlva", "maria silva"),
        ("Ｍａｒｉａ １２３", "Maria 123"),
        ("Mаriа", "Maria"),  # Cyrillic а
        ("Мария", "Мария"),
        ("٤٤ 123", "44 123"),
        ("e\u0301", "é"),
        ("\x1b[31mred\x1b[0m", "red"),
        ("a\x00b\x0bc", "ab c"),
        ("O’Leary – x", "O'Leary - x"),
        ("t\U000e0041ag", "tag"),
    ],
)
def test_fold(text: str, read: str) -> None:
    assert fold(text).text == read


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("a%40b", "a@b"),
        ("%2540", "@"),
        ("Fran%C3%A7oise", "Françoise"),
        ("%E9t%E9", "été"),
        ("a&#64;b &amp;#64; &eacute;", "a@b @ é"),
        ("\\u0040 \\\\u0040 \\ud83d\\ude00 \\x41", "@ @ 😀 A"),
        ('{\\"a\\":1}', '{"a":1}'),
    ],
)
def test_unescape(text: str, read: str) -> None:
    undone = unescape(fold(text))
    assert undone is not None
    assert undone.text == read


def test_nothing_to_undo() -> None:
    assert unescape(fold("100% of R&D")) is None


def test_spans_lead_back_into_the_original() -> None:
    text = "to %256D%61ria\u200b, ok"
    undone = unescape(fold(text))
    assert undone is not None
    start = undone.text.index("maria")
    left, right = undone.origin(start, start + 5)
    assert text[left:right] == "%256D%61ria"


@given(
    st.text()
    | st.text(alphabet="a%4&#;\\u0xéİ\u0301\u200b １А")
    | st.binary().map(lambda b: b.decode("latin-1"))
)
def test_every_stretch_of_a_reading_has_a_place_in_the_original(text: str) -> None:
    folded = fold(text)
    for reading in (folded, unescape(folded)):
        if reading is None:
            continue
        previous = 0
        for index in range(len(reading.text)):
            start, end = reading.origin(index, index + 1)
            assert 0 <= start < end <= len(text)
            assert start >= previous
            previous = start
        assert len(lowered(reading.text)) == len(reading.text)


def test_half_a_surrogate_pair_is_read_as_what_utf8_can_hold() -> None:
    folded = fold("Ana \ud83d Silva\u200b\udc00")
    assert folded.text == "Ana \ufffd Silva\ufffd"
    folded.text.encode()


def test_marks_are_put_in_order_so_many_at_a_time() -> None:
    """All at once would take the square of their number."""
    folded = fold("a" + "\u0345\u0323" * 500)
    lengths = {end - start for start, end in (folded.origin(at, at + 1) for at in range(len(folded.text)))}
    assert max(lengths) == _MOST_MARKS + 1


def test_no_format_or_control_character_is_overlooked() -> None:
    for code in range(sys.maxunicode + 1):
        char = chr(code)
        if unicodedata.category(char) in ("Cf", "Cc") and not char.isspace() and char != "\x1b":
            assert _HIDDEN.match(char), hex(code)
