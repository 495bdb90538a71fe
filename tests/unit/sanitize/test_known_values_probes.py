"""The quick look at a text never misses an identity value that a search of it would find."""

import base64
from collections.abc import Callable
from typing import Final
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.detection.known_values import Identity, Kind, KnownValues, probed

_LETTERS: Final = "abcdefgxyz"
_SIGNS: Final = "-_.: "
_IDS: Final = st.text(_LETTERS + "0123456789" + _SIGNS, max_size=24).filter(
    lambda text: sum(map(str.isalnum, text)) > 3
) | st.sampled_from(
    [
        *("usr_5513xw", "USR-5513XW", "quillfeather", "pumpkin-pie", "7.1.1a", "x1", "a1b", "5513", "55130"),
        *(
            "3b9aca00-7d1f-4c52-9a3e-5b6c7d8e9f00",
            "us\u200br_5513xw",
            "ＵＳＲ５５１３",
            "größe-7",
            "id:\x1b[31mquill",
        ),
        *("usr 5513 xw", "quillfeather7", "a" * 60 + "1", "cus_NffrFeUfNV2Hib", "١٢٣٤٥٦", "x" * 320 + "1"),
    ]
)
_EMAILS: Final = st.sampled_from(
    [
        *(
            "o.brandner+news@example.org",
            "brandner7@example.org",
            "ann.brandner7＠example.org",
            "ob@example.org",
        ),
        *("ottilie_brandner@example.org", "hello@example.org", "7@example.org", "O'Brandner@example.org"),
    ]
)
_NAMES: Final = st.sampled_from(
    [
        "Ottilie Brandner",
        "Brandner",
        "Jo",
        "Li",
        "Ana-Lima de Souza",
        "Größe Müller",
        "Will May",
        "Çağla",
        "李",
    ]
)
_PHONES: Final = st.sampled_from(
    [
        "+1 (206) 555-0142",
        "+442079460958",
        "0044 20 7946 0958",
        "＋442079460958",
        "tel:+12065550142",
        "5550142",
    ]
)
_USER_NAMES: Final = st.sampled_from(["pumpkinpie88", "@quillfeather", "quill feather", "ob", "marigold"])
IDENTITIES: Final[st.SearchStrategy[Identity]] = st.one_of(
    st.tuples(_IDS | _EMAILS | _PHONES, st.just(Kind.OTHER)),
    st.tuples(_NAMES, st.sampled_from([Kind.NAME, Kind.PERSON, Kind.OTHER])),
    st.tuples(_PHONES, st.sampled_from([Kind.PHONE, Kind.OTHER])),
    st.tuples(_USER_NAMES | _IDS, st.sampled_from([Kind.PERSON, Kind.NAME])),
)


def _in_base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


#: How a value comes to stand in a text.
FORMS: Final[dict[str, Callable[[str], str]]] = {
    "as it is": str,
    "small": str.lower,
    "large": str.upper,
    "capitalized": str.title,
    "base64": _in_base64,
    "base64 behind a character": lambda text: _in_base64("a" + text),
    "base64 among others": lambda text: _in_base64("ab" + text + "c"),
    "base64 for URLs": lambda text: base64.urlsafe_b64encode(text.encode()).decode(),
    "base64 in small letters": lambda text: _in_base64(text.lower()),
    "base64 quoted": lambda text: quote(_in_base64(text), safe=""),
    "hexadecimal": lambda text: text.encode().hex(),
    "hexadecimal in capitals": lambda text: text.encode().hex().upper(),
    "backwards": lambda text: text[::-1],
    "quoted": lambda text: quote(text, safe=""),
    "quoted twice": lambda text: quote(quote(text, safe="")),
    "each byte quoted": lambda text: "".join(f"%{byte:02X}" for byte in text.encode()),
    "escaped": lambda text: "".join(f"\\u{ord(char):04x}" for char in text if ord(char) < 0x10000),
    "as entities": lambda text: "".join(f"&#{ord(char)};" for char in text),
    "solid": lambda text: "".join(char for char in text if char.isalnum()),
    "spaced out": lambda text: "".join(" " if char in _SIGNS else char for char in text),
    "hidden": "\u200b".join,
    "wide": lambda text: "".join(chr(ord(char) + 0xFEE0) if "!" <= char <= "~" else char for char in text),
    "last words first": lambda text: ", ".join(reversed(text.split())),
    "the words apart": lambda text: text.split()[0] if text.split() else text,
    "the mailbox": lambda text: text.partition("@")[0],
    "a piece": lambda text: text.partition("@")[0].rpartition(".")[2].strip("0123456789"),
    "the last digits": lambda text: "".join(char for char in text if char.isdigit())[-7:],
}
#: What may stand around it: with and without digits, so short that only the value is left, and long.
_AROUND: Final = st.sampled_from(
    [
        "",
        " ",
        "/",
        "see ",
        "the report of ",
        "x",
        "7",
        "2026 ",
        ".",
        ", ",
        "\n",
        '"',
        "=",
        "%",
        "é",
        "x" * 300,
    ]
) | st.text(max_size=4)


@st.composite
def texts(draw: st.DrawFn, written: str) -> str:
    form = draw(st.sampled_from(list(FORMS.values())))
    return draw(_AROUND) + form(written) + draw(_AROUND)


@settings(max_examples=500, deadline=None)
@given(st.data())
def test_the_quick_look_misses_no_value_that_a_search_finds(data: st.DataObject) -> None:
    identity = data.draw(IDENTITIES)
    text = data.draw(texts(identity[0]) | texts(data.draw(IDENTITIES)[0]))
    known = KnownValues([identity])
    assert known.may_stand_in([probed([text])]) or not known.spans(text)


@settings(max_examples=120, deadline=None)
@given(st.data())
def test_nor_among_several_values_in_several_texts_seen_before(data: st.DataObject) -> None:
    identities = data.draw(st.lists(IDENTITIES, min_size=1, max_size=4))
    of_all = [texts(written) for written, _ in identities]
    some = data.draw(st.lists(st.one_of(of_all), min_size=1, max_size=4))
    known = KnownValues(identities)
    found = any(known.spans(text) for text in some)
    for _ in range(2):
        assert known.may_stand_in([probed(some)]) or not found
        assert known.may_stand_in(map(probed, zip(some, strict=True))) or not found
        for text in some:
            assert known.may_stand_in([probed([text])]) or not known.spans(text)


@pytest.mark.parametrize(
    ("identity", "forms"),
    [
        (
            ("usr_5513xw", Kind.OTHER),
            {"as it is", "large", "base64", "base64 behind a character", "base64 for URLs", "base64 quoted"}
            | {
                "hexadecimal",
                "backwards",
                "quoted",
                "each byte quoted",
                "hidden",
                "wide",
                "solid",
                "escaped",
            },
        ),
        (
            ("ann.brandner7@example.org", Kind.OTHER),
            {"as it is", "base64", "hexadecimal", "backwards", "quoted twice", "the mailbox", "a piece"},
        ),
        (("Ottilie Brandner", Kind.NAME), {"as it is", "small", "base64", "last words first", "solid"}),
        (("+1 (206) 555-0142", Kind.PHONE), {"as it is", "solid", "the last digits", "as entities"}),
    ],
)
def test_the_forms_drawn_are_found(identity: Identity, forms: set[str]) -> None:
    """What is never found is never missed either."""
    known = KnownValues([identity])
    missed = {name for name in forms if not known.spans(f"see {FORMS[name](identity[0])} there")}
    assert missed == set()


@pytest.mark.parametrize(
    ("written", "text"),
    [
        ("ann.brandner7@example.org", "thanks, Brandner said"),
        ("ann.brandner7＠example.org", "thanks, Brandner said"),
        ("quill\x1b[31mfeather", "see quillfeather"),
        ("apk_3abxqmk", "see YXBrXzNhYnhxbWs="),
        ("apk_3abxqmk", "YXBrXzNhYnhxbWs"),
    ],
)
def test_a_text_without_digits_may_hold_a_value_with_some(written: str, text: str) -> None:
    """Such a text is not searched for all forms of an identifier with digits."""
    known = KnownValues([(written, Kind.OTHER)])
    assert known.spans(text)
    assert known.may_stand_in([probed([text])])
    assert known.may_stand_in([probed([text, "x"])])
    assert known.may_stand_in([probed(["x", text])])
    assert not known.may_stand_in([probed(["thanks, she said"])])


def test_most_texts_need_no_search() -> None:
    known = KnownValues(
        [("usr_5513xw", Kind.OTHER), ("Ottilie Brandner", Kind.NAME), ("ob@example.org", Kind.OTHER)]
    )
    for text in (
        "/settings/billing",
        "Chrome",
        "a report of the week",
        "2026-03-04",
        "https://example.com/docs",
    ):
        assert not known.may_stand_in([probed([text])])
