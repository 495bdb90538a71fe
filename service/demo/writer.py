"""Writes the fields of one event and keeps note of every identity value that goes in."""

import json
from collections.abc import Callable
from functools import cache
from importlib.resources import files
from random import Random
from string import Formatter
from typing import TypedDict
from urllib.parse import quote

from service.demo.people import Person, card, iban, ip, password, token
from service.demo.planted import Kind, Place, Planted


class _Texts(TypedDict):
    comment: dict[str, list[str]]
    subject: dict[str, list[str]]
    body: dict[str, list[str]]
    query: list[str]
    key_name: list[str]
    team_name: list[str]
    file_name: list[str]
    title: list[str]
    message: list[str]
    stack: list[str]
    prompt: list[str]
    job_title: list[str]
    campaign: list[str]
    companies: list[str]
    models: list[str]
    scopes: list[str]
    mimes: list[str]
    pages: list[str]


@cache
def texts() -> _Texts:
    """The words of the reference product's users, with `{name}`, `{email}`, … where identity values go."""
    content = files("service.demo").joinpath("data", "texts.json").read_text("utf-8")
    parsed: _Texts = json.loads(content)
    return parsed


class Writer:
    """Fills in templates and plants values for one event."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.planted: dict[Planted, None] = {}  # an ordered set

    def plant(self, value: str, kind: Kind, place: Place = Place.STRUCTURED) -> str:
        """Note a value and give it back."""
        self.planted[Planted(value, kind, place)] = None
        return value

    def fill(self, template: str, who: Person, place: Place = Place.FREE_TEXT) -> str:
        """A template with each `{slot}` filled with a value of the person, or a new one, and planted."""
        parts = []
        for literal, slot, _, _ in Formatter().parse(template):
            parts.append(literal)
            if slot is not None:
                kind, value = self._slot(slot, who)
                parts.append(self.plant(value, kind, place))
        return "".join(parts)

    def url(self, who: Person) -> str:
        """An address in the console, in half of the cases with something personal in its path or query."""
        path = self.random.choice(texts()["pages"])
        host = "https://console.example.com"
        match self.random.randrange(10):
            case 0:
                return f"{host}/settings/members/{quote(self.plant(who.email, Kind.EMAIL), safe='')}"
            case 1:
                return f"{host}/users/{quote(self.plant(who.user_id, Kind.IDENTIFIER))}{path}"
            case 2:
                secret = self.plant(token(self.random), Kind.TOKEN)
                return f"{host}/invitations/{secret}?utm_source=newsletter"
            case 3:
                name = quote(self.plant(who.name, Kind.NAME))
                return f"{host}{path}?member={name}&email={quote(self.plant(who.email, Kind.EMAIL))}"
            case 4:
                secret = self.plant(token(self.random), Kind.TOKEN)
                return f"{host}{path}?utm_source=search#access_token={secret}"
            case _:
                return f"{host}{path}"

    def _slot(self, slot: str, who: Person) -> tuple[Kind, str]:
        if slot in _OF_THE_PERSON:
            kind, value = _OF_THE_PERSON[slot]
            return kind, value(who)
        kind, make = _MADE_UP[slot]
        return kind, make(self.random)


_OF_THE_PERSON: dict[str, tuple[Kind, Callable[[Person], str]]] = {
    "name": (Kind.NAME, lambda who: who.name),
    "first": (Kind.NAME, lambda who: who.first),
    "slug": (Kind.NAME, lambda who: who.slug),
    "email": (Kind.EMAIL, lambda who: who.email),
    "phone": (Kind.PHONE, lambda who: who.phone),
    "street": (Kind.STREET, lambda who: who.street),
    "username": (Kind.USERNAME, lambda who: who.username),
}
_MADE_UP: dict[str, tuple[Kind, Callable[[Random], str]]] = {
    "ip": (Kind.IP, ip),
    "token": (Kind.TOKEN, token),
    "password": (Kind.PASSWORD, password),
    "card": (Kind.CARD, card),
    "iban": (Kind.BANK_ACCOUNT, iban),
}
