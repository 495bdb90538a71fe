"""HMAC and the encodings, against published vectors and by hand."""

import hmac
import re
from uuid import UUID

import pytest

from service.pseudonyms.encodings import Encoding, alphanumeric, number_pair, number_pair_of, text_tag, uuid8
from service.pseudonyms.pseudonymizer import KeyedPseudonymizer


def hexadecimal(mac: bytes) -> str:
    return mac.hex()


def pseudonymizer(key: bytes) -> KeyedPseudonymizer:
    return KeyedPseudonymizer("k1", lambda _: key)


# RFC 4231, test cases 1 to 4, 6 and 7.
@pytest.mark.parametrize(
    ("key", "data", "mac"),
    [
        (b"\x0b" * 20, b"Hi There", "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"),
        (
            b"Jefe",
            b"what do ya want for nothing?",
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
        ),
        (b"\xaa" * 20, b"\xdd" * 50, "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"),
        (
            bytes(range(1, 26)),
            b"\xcd" * 50,
            "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b",
        ),
        (
            b"\xaa" * 131,
            b"Test Using Larger Than Block-Size Key - Hash Key First",
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
        ),
        (
            b"\xaa" * 131,
            (
                b"This is a test using a larger than block-size key and a larger than block-size data. "
                b"The key needs to be hashed before being used by the HMAC algorithm."
            ),
            "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2",
        ),
    ],
)
def test_the_hmac_in_use_gives_the_vectors_of_rfc_4231(key: bytes, data: bytes, mac: str) -> None:
    assert hmac.new(key, data, "sha256").hexdigest() == mac


def test_a_pseudonym_is_the_hmac_of_class_and_value() -> None:
    message = b"\x00\x0fidentifier.user" + "Zoë".encode()
    expected = hmac.digest(b"k" * 32, message, "sha256").hex()
    made = pseudonymizer(b"k" * 32)
    for _ in range(2):  # the second one comes from the kept context
        assert (
            made.pseudonym("Zoë", purpose="user", data_class="identifier.user", encoding=hexadecimal)
            == expected
        )


def test_a_number_and_its_digits_agree() -> None:
    made = pseudonymizer(b"k" * 32)

    def of(value: str | int) -> str:
        return made.pseudonym(value, purpose="user", data_class="identifier.user", encoding=hexadecimal)

    assert of(42) == of("42")
    assert of(-7) == of("-7")
    assert of(42) != of("042")


def test_classes_and_values_cannot_be_mistaken_for_one_another() -> None:
    made = pseudonymizer(b"k" * 32)
    pairs = [("a", "bc"), ("ab", "c"), ("abc", ""), ("a", "b\x00c"), ("a\x00b", "c")]
    macs = {
        made.pseudonym(value, purpose="user", data_class=name, encoding=hexadecimal) for name, value in pairs
    }
    assert len(macs) == len(pairs)


def test_half_of_a_surrogate_pair_is_a_value_like_any_other() -> None:
    made = pseudonymizer(b"k" * 32)
    assert made.pseudonym("\ud800", purpose="user", data_class="c", encoding=alphanumeric).startswith("w")


COUNTING = bytes(range(32))


@pytest.mark.parametrize(
    ("encoding", "expected"),
    [
        (alphanumeric, "w000102030405060708090a0b0c0d0e0f"),
        (uuid8, "00010203-0405-8607-8809-0a0b0c0d0e0f"),
        (number_pair, "283686952306184.579005069656919568"),
        (text_tag, "bbbcbdbfbgbh"),
    ],
)
def test_the_encodings_of_one_mac(encoding: Encoding, expected: str) -> None:
    assert encoding(COUNTING) == expected


@pytest.mark.parametrize("mac", [b"\x00" * 32, b"\xff" * 32])
def test_the_outermost_macs_still_give_proper_ids(mac: bytes) -> None:
    assert re.fullmatch(r"w[0-9a-f]{32}", alphanumeric(mac))
    assert UUID(uuid8(mac)).version == 8
    assert UUID(uuid8(mac)).variant == "specified in RFC 4122"
    first, second = number_pair(mac).split(".")
    assert 0 < int(first) < 2**63
    assert 0 < int(second) < 2**63


def test_a_number_pair_can_be_made_from_an_alphanumeric_pseudonym() -> None:
    assert number_pair_of(alphanumeric(COUNTING)) == number_pair(COUNTING)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "w",
        "usr_42",
        "W" + "a" * 32,
        "w" + "A" * 32,
        "w" + "é" * 32,
        "w" + "a" * 33,
        "w" + "a" * 32 + "\n",
    ],
)
def test_no_number_pair_is_made_from_anything_else(text: str) -> None:
    assert number_pair_of(text) is None
