"""No MAC at all gives an id that a vendor bans or cannot take."""

import hmac
import re
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from service.pseudonyms.encodings import alphanumeric, number_pair, number_pair_of, text_tag, uuid8
from service.pseudonyms.pseudonymizer import KeyedPseudonymizer

MACS = st.binary(min_size=32, max_size=32)

#: What Mixpanel, Amplitude and PostHog refuse as ids (docs/vendors.md).
BANNED = {
    "0", "-1", "1", "null", "none", "nil", "nan", "undefined", "unknown", "anonymous", "guest", "id", "",
    "distinct_id", "distinctid", "email", "true", "false", "[object object]", "not_authenticated", "n/a",
    "na", "lmy47d", "00000000-0000-0000-0000-000000000000",
}  # fmt: skip


@given(MACS)
def test_every_id_fits_every_vendor_and_is_never_banned(mac: bytes) -> None:
    made = alphanumeric(mac)
    assert re.fullmatch(r"[A-Za-z0-9-]{5,36}", made)
    assert not made.isdigit()
    assert made.lower() not in BANNED


@given(MACS)
def test_every_uuid_is_a_uuid_of_version_8(mac: bytes) -> None:
    made = uuid8(mac)
    assert str(UUID(made)) == made
    assert UUID(made).version == 8
    assert made not in BANNED


@given(MACS)
def test_every_number_pair_is_two_positive_numbers(mac: bytes) -> None:
    assert re.fullmatch(r"[1-9][0-9]{0,18}\.[1-9][0-9]{0,18}", number_pair(mac))
    assert number_pair_of(alphanumeric(mac)) == number_pair(mac)


@given(MACS)
def test_every_text_tag_is_letters_that_make_no_words(mac: bytes) -> None:
    assert re.fullmatch(r"[bcdfghjkmnpqrstv]{12}", text_tag(mac))


@given(MACS, MACS)
def test_different_leading_bits_give_different_ids(one: bytes, other: bytes) -> None:
    assert (one[:16] == other[:16]) == (alphanumeric(one) == alphanumeric(other))
    assert (one[:6] == other[:6]) == (text_tag(one) == text_tag(other))


@given(st.text() | st.integers(), st.text() | st.integers(), st.sampled_from(["user", "device"]))
def test_pseudonyms_agree_exactly_when_the_written_values_do(
    one: str | int, other: str | int, data_class: str
) -> None:
    def of(value: str | int) -> str:
        made = KeyedPseudonymizer("k1", lambda _: b"k" * 32)
        return made.pseudonym(value, purpose="p", data_class=data_class, encoding=alphanumeric)

    assert (str(one) == str(other)) == (of(one) == of(other))


@given(key=st.binary(min_size=32, max_size=64), purpose=st.text(max_size=8), value=st.text() | st.integers())
def test_a_pseudonym_is_the_hmac_of_the_class_and_the_value(
    key: bytes, purpose: str, value: str | int
) -> None:
    pseudonymizer = KeyedPseudonymizer("k1", lambda _: key)
    for data_class in ("identifier.user", "contact.email"):
        name = data_class.encode()
        message = len(name).to_bytes(2) + name + str(value).encode()
        expected = hmac.digest(key, message, "sha256").hex()
        for _ in range(2):
            assert expected == pseudonymizer.pseudonym(
                value, purpose=purpose, data_class=data_class, encoding=lambda mac: mac.hex()
            )
