"""Invented people: the users of the reference product and those whom they mention."""

import json
import unicodedata
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from random import Random
from typing import TypedDict

LANGUAGES = ("en", "fr", "de", "es")

_ALNUM = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
_UPPER = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
_HEX = "0123456789abcdef"
#: Reserved for documentation (RFC 5737), so that no address is anybody's.
_NETWORKS = ("192.0.2", "198.51.100", "203.0.113")
#: Reserved by RFC 2606.
_MAIL_HOSTS = ("example.org", "example.com", "example.net")


class _People(TypedDict):
    user_agents: list[str]
    countries: dict[str, "_Country"]


class _Country(TypedDict):
    locale: str
    timezone: str
    country: str
    region: str
    first: list[str]
    last: list[str]
    streets: list[str]
    places: list[list[str]]
    latitude: int
    longitude: int
    phones: list[str]


@cache
def _people() -> _People:
    people: _People = json.loads(files("service.demo").joinpath("data", "people.json").read_text("utf-8"))
    return people


@dataclass(frozen=True, slots=True, repr=False)
class Person:
    """Somebody who does not exist."""

    language: str
    locale: str
    timezone: str
    first: str
    last: str
    email: str
    username: str
    phone: str
    street: str
    city: str
    postal_code: str
    region: str
    country: str
    latitude: float
    longitude: float
    birthday: str
    gender: str
    user_id: str
    anonymous_id: str
    device_id: str
    ip: str
    user_agent: str
    screen: tuple[int, int]

    @property
    def name(self) -> str:
        return f"{self.first} {self.last}"

    @property
    def slug(self) -> str:
        """The name as people write it in file names: `amelie_lefevre`."""
        return f"{ascii_letters(self.first)}_{ascii_letters(self.last)}"


def ascii_letters(name: str) -> str:
    """A name in lower-case ASCII letters, as it is written in addresses and file names."""
    plain = unicodedata.normalize(
        "NFKD", name.lower().replace("ß", "ss").replace("\N{LATIN SMALL LETTER DOTLESS I}", "i")
    )
    return "".join(letter for letter in plain if "a" <= letter <= "z")


def person(random: Random, language: str) -> Person:
    """An invented person who writes in a language."""
    home = _people()["countries"][language]
    first, last = random.choice(home["first"]), random.choice(home["last"])
    short, long = ascii_letters(first), ascii_letters(last)
    number = random.randrange(10, 100)
    host = random.choice(_MAIL_HOSTS)
    email = random.choice(
        (f"{short}.{long}@{host}", f"{short[0]}{long}{number}@{host}", f"{long}.{short}@{host}")
    )
    city, postal_code = random.choice(home["places"])
    return Person(
        language=language,
        locale=home["locale"],
        timezone=home["timezone"],
        first=first,
        last=last,
        email=email,
        username=f"{short[:3]}{long}{number}",
        phone=_digits(random, random.choice(home["phones"])),
        street=random.choice(home["streets"]).format(n=random.randrange(2, 190)),
        city=city,
        postal_code=postal_code,
        region=home["region"],
        country=home["country"],
        latitude=round(home["latitude"] + random.randrange(1, 99999) / 100000, 5),
        longitude=round(home["longitude"] + random.randrange(1, 99999) / 100000, 5),
        birthday=f"{random.randrange(1952, 2004)}-{random.randrange(1, 13):02}-{random.randrange(1, 29):02}",
        gender=random.choice(("female", "male", "nonbinary")),
        # Many products take the e-mail address for the user id.
        user_id=email if sometimes(random, 10) else f"usr_{characters(random, _HEX, 16)}",
        anonymous_id=uuid(random),
        device_id=uuid(random).upper(),
        ip=ip(random),
        user_agent=random.choice(_people()["user_agents"]),
        screen=random.choice(((1440, 900), (1920, 1080), (2560, 1440), (390, 844))),
    )


def sometimes(random: Random, percent: int) -> bool:
    """Yes in so many of a hundred cases."""
    return random.randrange(100) < percent


def characters(random: Random, alphabet: str, length: int) -> str:
    return "".join(random.choice(alphabet) for _ in range(length))


def uuid(random: Random) -> str:
    """A version 4 UUID."""
    digits = characters(random, _HEX, 30)
    return f"{digits[:8]}-{digits[8:12]}-4{digits[12:15]}-a{digits[15:18]}-{digits[18:30]}"


def ip(random: Random) -> str:
    """An address from the blocks reserved for documentation (RFC 5737, RFC 3849), never a network's own."""
    if sometimes(random, 15):
        return f"2001:db8:{characters(random, '123456789', 4)}::{characters(random, '123456789', 3)}"
    return f"{random.choice(_NETWORKS)}.{random.randrange(1, 255)}"


def token(random: Random) -> str:
    """A made-up credential in one of the usual forms."""
    return random.choice(
        (
            f"sk-{characters(random, _ALNUM, 44)}",
            f"ghp_{characters(random, _ALNUM, 36)}",
            f"AKIA{characters(random, _UPPER, 16)}",
            f"eyJhbGciOiJIUzI1NiJ9.eyJ{characters(random, _ALNUM, 40)}.{characters(random, _ALNUM, 43)}",
        )
    )


def password(random: Random) -> str:
    return characters(random, _ALNUM, 14)


def card(random: Random) -> str:
    """A card number with a right Luhn digit."""
    digits = [4, *(random.randrange(10) for _ in range(14))]
    doubled = [digit * 2 if place % 2 == 0 else digit for place, digit in enumerate(digits)]
    check = -sum(digit - 9 if digit > 9 else digit for digit in doubled) % 10  # noqa: PLR2004  (Luhn)
    number = "".join(map(str, (*digits, check)))
    return (
        " ".join(number[start : start + 4] for start in range(0, 16, 4)) if sometimes(random, 70) else number
    )


def iban(random: Random) -> str:
    """A German account number with right check digits (ISO 13616)."""
    account = characters(random, "0123456789", 18)
    check = 98 - int(f"{account}131400") % 97  # D = 13, E = 14, then 00
    number = f"DE{check:02}{account}"
    return (
        " ".join(number[start : start + 4] for start in range(0, 22, 4)) if sometimes(random, 50) else number
    )


def _digits(random: Random, pattern: str) -> str:
    return "".join(str(random.randrange(10)) if letter == "#" else letter for letter in pattern)
