"""The entities that detection can find in a text: the names a policy may use and a scrubbed text shows."""

from enum import StrEnum
from typing import Final


class Entity(StrEnum):
    """What a span of text is. The value is what stands in its place: `<PERSON>`."""

    PERSON = "PERSON"
    EMAIL_ADDRESS = "EMAIL_ADDRESS"
    PHONE_NUMBER = "PHONE_NUMBER"
    STREET_ADDRESS = "STREET_ADDRESS"
    CREDIT_CARD = "CREDIT_CARD"
    BANK_ACCOUNT = "BANK_ACCOUNT"
    NATIONAL_ID = "NATIONAL_ID"
    PASSPORT = "PASSPORT"
    DRIVING_LICENCE = "DRIVING_LICENCE"
    IP_ADDRESS = "IP_ADDRESS"
    MAC_ADDRESS = "MAC_ADDRESS"
    DATE_OF_BIRTH = "DATE_OF_BIRTH"
    COORDINATES = "COORDINATES"
    SOCIAL_HANDLE = "SOCIAL_HANDLE"
    USER_NAME = "USER_NAME"
    PASSWORD = "PASSWORD"  # noqa: S105  (an entity's name)
    SECRET = "SECRET"  # noqa: S105  (API keys, tokens, private keys)
    CRYPTO_WALLET = "CRYPTO_WALLET"
    ENCODED = "ENCODED"  # a base64, hex or percent-encoded run in which something personal was found
    IDENTITY = "IDENTITY"  # one of the event's own identity values


#: What models and word lists guess at. Of these alone a policy may spare a finding (thresholds, allow lists):
#: the others are found by their form, a label or a check digit.
GUESSED: Final = frozenset({Entity.PERSON, Entity.STREET_ADDRESS})
