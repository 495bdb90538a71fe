"""What stands in the slots of templates: invented values of many countries, by Faker.

Each given name, family name, street and number belongs to one split: the two halves share none of them. What
is drawn and belongs to the other half is drawn again.
"""

import base64
import hashlib
import tomllib
import unicodedata
from collections.abc import Callable, Sequence
from datetime import date
from functools import cache
from importlib.resources import files
from random import Random
from string import ascii_letters, ascii_uppercase, digits
from typing import Any, Final
from urllib.parse import quote

from faker import Faker

from service.bench.detection.labelled import Part, Split
from service.policy.entities import Entity

#: Whose values a text of a language holds, and how often.
_LOCALES: Final[dict[str, dict[str, int]]] = {
    "en": {"en_US": 50, "en_GB": 15, "en_IN": 8, "en_AU": 5, "en_CA": 5, "en_IE": 4, "en_NZ": 3},
    "fr": {"fr_FR": 70, "fr_CA": 10, "fr_BE": 6, "fr_CH": 4},
    "de": {"de_DE": 70, "de_AT": 10, "de_CH": 10},
    "es": {"es_ES": 55, "es_MX": 15, "es_CO": 10, "es_AR": 10},
    "it": {"it_IT": 90},
    "pt": {"pt_BR": 65, "pt_PT": 25},
    "nl": {"nl_NL": 75, "nl_BE": 15},
}
#: The same for people from elsewhere, who write in any language.
_ELSEWHERE: Final[dict[str, int]] = {
    "sv_SE": 3, "pl_PL": 3, "cs_CZ": 2, "tr_TR": 2, "hu_HU": 2, "da_DK": 2, "fi_FI": 2, "no_NO": 2,
    "ro_RO": 2, "hr_HR": 1, "id_ID": 1, "ru_RU": 2, "uk_UA": 1, "el_GR": 1, "ja_JP": 1, "zh_CN": 2,
    "ko_KR": 1, "hi_IN": 1,
}  # fmt: skip
_ELSEWHERE_PERCENT: Final = 15
_POSTCODE_LAST: Final = ("en_",)
_NATIONALITIES: Final = (
    "American",
    "French",
    "Brazilian",
    "Japanese",
    "Kenyan",
    "Swedish",
    "Mexican",
    "Polish",
)
_MONTHS: Final = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October",
    "November", "December",
)  # fmt: skip
_WEEKDAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday")
_BASE58: Final = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_BASE64: Final = ascii_letters + digits + "-_"
#: Latin letters that have a double in Cyrillic.
_DOUBLES: Final = str.maketrans("aceiopxyABCEHKMOPTX", "асеіорхуАВСЕНКМОРТХ")  # noqa: RUF001
_WIDE: Final = {code: code + 0xFEE0 for code in range(0x21, 0x7F)}


def split_of(value: str) -> Split:
    """The half that a value or a template belongs to, whatever its case."""
    return (Split.TUNE, Split.TEST)[hashlib.sha256(value.casefold().encode()).digest()[0] % 2]


@cache
def word_lists() -> dict[str, list[str]]:
    """Names of products, models, fonts, … that are nobody's."""
    lists: dict[str, list[str]] = tomllib.loads(data_file("control_texts.toml"))["words"]
    return lists


def data_file(name: str) -> str:
    """A file of this package's data."""
    return files("service.bench.detection").joinpath("data", name).read_text("utf-8")


#: So many letters are a street; fewer (`Cr. 29`, `Apt. 4`) are told apart by their number.
_LETTERS_OF_A_STREET: Final = 8


def _told_apart(value: str) -> str:
    """What of a value decides on its half: of a street, its letters alone, whatever the house's number."""
    if value.isalpha() or not value[-1:].isalnum():
        return value
    letters = "".join(filter(str.isalpha, value))
    return letters if len(letters) >= _LETTERS_OF_A_STREET else value


class Values:
    """Draws values for slots.

    Args:
        random: Where every choice comes from: the same state gives the same values.
        split: The half whose values are drawn.
    """

    def __init__(self, random: Random, split: Split) -> None:
        self._random = random
        self._split = split
        self._fakers: dict[str, Faker] = {}

    def locale(self, language: str) -> str:
        """Whose values a text of the language shall hold."""
        places = _LOCALES[language]
        if self._random.randrange(100) < _ELSEWHERE_PERCENT:
            places = _ELSEWHERE
        return self._random.choices(list(places), list(places.values()))[0]

    def parts(self, slot: str, disguise: str | None, language: str, locale: str) -> list[Part]:
        """A new value for a slot, with its labels.

        Raises:
            KeyError: if there is no such slot or disguise.
        """
        faker = self._faker(_LOCALE_OF_SLOT.get((slot, language), locale))
        if slot == "address":
            return self._address(faker, locale)
        if slot in _GOLD:
            entity, make = _GOLD[slot]
            value = make(self, faker)
            return [_disguised(value, entity, disguise)]
        if slot in _NOT_JUDGED:
            return [Part(_NOT_JUDGED[slot](self._random, faker), judged=False)]
        if slot in _HARMLESS:
            return [Part(_HARMLESS[slot](self._random))]
        listed = slot.removeprefix("slug_")
        word = self._own(lambda: self._random.choice(word_lists()[listed]))
        return [Part(word if slot == listed else word.lower().replace(" ", "-"))]

    def _faker(self, locale: str) -> Any:
        """Faker's own generator; its providers depend on the locale, so that it has no type."""
        if locale not in self._fakers:
            self._fakers[locale] = Faker(locale)
        faker = self._fakers[locale]
        faker.seed_instance(self._random.randrange(2**32))
        return faker

    def _own(self, draw: Callable[[], str]) -> str:
        """What is drawn, as soon as it belongs to the split."""
        while split_of(_told_apart(value := draw())) is not self._split:
            pass
        return value

    def first_name(self, faker: Any) -> str:
        return self._own(faker.first_name)

    def last_name(self, faker: Any) -> str:
        return self._own(faker.last_name)

    def name(self, faker: Any) -> str:
        """A given name, sometimes a middle initial, and a family name."""
        middle = self._random.choice(ascii_uppercase) + ". " if self._random.randrange(20) == 0 else ""
        first, last = self.first_name(faker), self.last_name(faker)
        return f"{first} {middle}{last}" if first.isascii() or first[0] < "\u0370" else f"{first} {last}"

    def latin_names(self, faker: Any) -> tuple[str, str]:
        """A given and a family name in letters that an account may have."""
        names = _plain(self.first_name(faker)), _plain(self.last_name(faker))
        return names if all(names) else self.latin_names(self._faker("en_US"))

    def user_name(self, faker: Any) -> str:
        first, last = self.latin_names(faker)
        number = self._random.randrange(100)
        forms = (
            f"{first}.{last}",
            f"{first[0]}{last}",
            f"{first}{number:02}",
            f"{first}_{last}",
            f"{last}{first[0]}",
        )
        return self._random.choice(forms)

    def email(self, faker: Any) -> str:
        domains = (faker.free_email_domain, faker.domain_name)
        return f"{self.user_name(faker)}@{self._random.choice(domains)()}"

    def obfuscated_email(self, faker: Any) -> str:
        box, host = self.email(faker).split("@")
        at, dot = self._random.choice(
            ((" at ", " dot "), ("(at)", "."), (" [at] ", " [dot] "), (" AT ", "."))
        )
        return box + at + host.replace(".", dot)

    def street_name(self, faker: Any) -> str:
        return self._own(faker.street_name)

    def street_address(self, faker: Any) -> str:
        return self._own(faker.street_address).replace("\n", ", ")

    def number(self, faker: Any, draw: str) -> str:
        """A number that Faker draws by this method."""
        return self._own(lambda: str(getattr(faker, draw)()))

    def chosen(self, characters: str, length: int) -> str:
        return "".join(self._random.choices(characters, k=length))

    def credit_card(self, faker: Any) -> str:
        number = self.number(faker, "credit_card_number")
        if len(number) == 16 and self._random.randrange(2):  # noqa: PLR2004
            between = self._random.choice(" -")
            return between.join(number[start : start + 4] for start in range(0, 16, 4))
        return number

    def date_of_birth(self, faker: Any) -> str:
        day: date = faker.date_of_birth(minimum_age=18, maximum_age=90)
        if faker.locales[0].startswith("en_US"):
            return self._random.choice(
                (f"{day:%m/%d/%Y}", f"{day:%B} {day.day}, {day.year}", f"{day:%Y-%m-%d}")
            )
        return self._random.choice((f"{day:%d/%m/%Y}", f"{day:%d.%m.%Y}", f"{day:%Y-%m-%d}"))

    def coordinates(self, faker: Any) -> str:
        del faker
        return f"{self._random.uniform(-60, 70):.5f}, {self._random.uniform(-180, 180):.5f}"

    def ip_address(self, faker: Any) -> str:
        return self.number(faker, "ipv6" if self._random.randrange(5) == 0 else "ipv4_public")

    def api_key(self, faker: Any) -> str:
        del faker
        forms: tuple[tuple[str, str, int], ...] = (
            ("sk-", ascii_letters + digits, 40),
            ("ghp_", ascii_letters + digits, 36),
            ("AKIA", ascii_uppercase + digits, 16),
            ("glpat-", _BASE64, 20),
            ("xoxb-", digits, 24),
        )
        prefix, characters, length = self._random.choice(forms)
        return prefix + self.chosen(characters, length)

    def jwt(self, faker: Any) -> str:
        del faker
        header = base64.urlsafe_b64encode(b'{"alg":"HS256","typ":"JWT"}').decode().rstrip("=")
        body = base64.urlsafe_b64encode(f'{{"sub":"{self._random.randrange(10**9)}"}}'.encode()).decode()
        return f"{header}.{body.rstrip('=')}.{self.chosen(_BASE64, 43)}"

    def password(self, faker: Any) -> str:
        del faker
        return self.chosen(ascii_letters + digits, 9) + self._random.choice("!#%") + self.chosen(digits, 2)

    def passport(self, faker: Any) -> str:
        del faker
        return self.chosen(ascii_uppercase, 1 + self._random.randrange(2)) + self.chosen(digits, 7)

    def driving_licence(self, faker: Any) -> str:
        del faker
        return self.chosen(ascii_uppercase, 1) + self.chosen(digits, self._random.choice((7, 8, 12)))

    def wallet(self, faker: Any) -> str:
        """A Bitcoin address with its check digits."""
        del faker
        payload = b"\0" + self._random.randbytes(20)
        payload += hashlib.sha256(hashlib.sha256(payload).digest()).digest()[:4]
        number, encoded = int.from_bytes(payload, "big"), ""
        while number:
            number, rest = divmod(number, 58)
            encoded = _BASE58[rest] + encoded
        return "1" + encoded

    def _address(self, faker: Any, locale: str) -> list[Part]:
        street = Part(self.street_address(faker), Entity.STREET_ADDRESS)
        between = self._random.choice((", ", "\n", " "))
        if locale == "it_IT":  # Faker's list of Italian cities is in another order in each process
            rest = faker.postcode_city_province().replace(",", "")
        elif locale.startswith(_POSTCODE_LAST):
            rest = f"{faker.city()} {faker.postcode()}"
        else:
            rest = f"{faker.postcode()} {faker.city()}"
        return [street, Part(between), Part(rest, judged=False)]


def _plain(name: str) -> str:
    """A name's letters in lower case, without accents; those of other scripts are left out."""
    decomposed = unicodedata.normalize("NFKD", name.lower())
    return "".join(character for character in decomposed if character.isascii() and character.isalpha())


def _disguised(value: str, entity: Entity, disguise: str | None) -> Part:
    if disguise is None:
        return Part(value, entity)
    if disguise == "base64":
        return Part(base64.b64encode(value.encode()).decode(), Entity.ENCODED)
    return Part(_DISGUISES[disguise](value), entity)


_DISGUISES: Final[dict[str, Callable[[str], str]]] = {
    "lower": str.lower,
    "upper": str.upper,
    "zero_width": "\u200b".join,
    "full_width": lambda value: value.translate(_WIDE),
    "homoglyph": lambda value: value.translate(_DOUBLES),
    "spaced": lambda value: " ".join(value.replace(" ", "")),
    "percent": lambda value: quote(value, safe=""),
}


def _slug(values: Values, faker: Any) -> str:
    first, last = values.latin_names(faker)
    return f"{first}_{last}"


def _numbers(draw: str) -> Callable[[Values, Any], str]:
    return lambda values, faker: values.number(faker, draw)


#: What is somebody's: its entity and how it is drawn.
_GOLD: Final[dict[str, tuple[Entity, Callable[[Values, Any], str]]]] = {
    "name": (Entity.PERSON, Values.name),
    "person": (Entity.PERSON, Values.name),
    "name_male": (Entity.PERSON, Values.name),
    "name_female": (Entity.PERSON, Values.name),
    "first_name": (Entity.PERSON, Values.first_name),
    "first_name_male": (Entity.PERSON, Values.first_name),
    "first_name_female": (Entity.PERSON, Values.first_name),
    "first_name_nonbinary": (Entity.PERSON, Values.first_name),
    "last_name": (Entity.PERSON, Values.last_name),
    "last_name_male": (Entity.PERSON, Values.last_name),
    "last_name_female": (Entity.PERSON, Values.last_name),
    "last_first": (
        Entity.PERSON,
        lambda values, faker: f"{values.last_name(faker)}, {values.first_name(faker)}",
    ),
    "slug": (Entity.PERSON, _slug),
    "user_name": (Entity.USER_NAME, Values.user_name),
    "handle": (Entity.SOCIAL_HANDLE, lambda values, faker: "@" + values.user_name(faker).replace(".", "_")),
    "email": (Entity.EMAIL_ADDRESS, Values.email),
    "obfuscated_email": (Entity.EMAIL_ADDRESS, Values.obfuscated_email),
    "phone_number": (Entity.PHONE_NUMBER, _numbers("phone_number")),
    "street_address": (Entity.STREET_ADDRESS, Values.street_address),
    "street_name": (Entity.STREET_ADDRESS, Values.street_name),
    "building_number": (Entity.STREET_ADDRESS, _numbers("building_number")),
    "secondary_address": (Entity.STREET_ADDRESS, _numbers("secondary_address")),
    "credit_card_number": (Entity.CREDIT_CARD, Values.credit_card),
    "iban": (Entity.BANK_ACCOUNT, _numbers("iban")),
    "ssn": (Entity.NATIONAL_ID, _numbers("ssn")),
    "nif": (Entity.NATIONAL_ID, _numbers("nif")),
    "passport": (Entity.PASSPORT, Values.passport),
    "us_driver_license": (Entity.DRIVING_LICENCE, Values.driving_licence),
    "date_of_birth": (Entity.DATE_OF_BIRTH, Values.date_of_birth),
    "ip_address": (Entity.IP_ADDRESS, Values.ip_address),
    "mac_address": (Entity.MAC_ADDRESS, _numbers("mac_address")),
    "coordinates": (Entity.COORDINATES, Values.coordinates),
    "api_key": (Entity.SECRET, Values.api_key),
    "jwt": (Entity.SECRET, Values.jwt),
    "password": (Entity.PASSWORD, Values.password),
    "crypto_wallet": (Entity.CRYPTO_WALLET, Values.wallet),
}
#: Numbers that only one country's Faker draws as that country does.
_LOCALE_OF_SLOT: Final = {
    ("ssn", "en"): "en_US", ("ssn", "fr"): "fr_FR", ("nif", "es"): "es_ES", ("ssn", "it"): "it_IT",
    ("ssn", "pt"): "pt_BR", ("ssn", "nl"): "nl_NL", ("secondary_address", "en"): "en_US",
}  # fmt: skip

#: What is said of people and places without telling who somebody is.
_NOT_JUDGED: Final[dict[str, Callable[[Random, Any], str]]] = {
    "city": lambda _, faker: faker.city(),
    "country": lambda _, faker: faker.country(),
    "state_abbr": lambda random, _: random.choice(("CA", "NY", "TX", "WA", "OH")),
    "zipcode": lambda _, faker: faker.postcode(),
    "postcode": lambda _, faker: faker.postcode(),
    "organization": lambda _, faker: faker.company(),
    "job": lambda _, faker: faker.job(),
    "url": lambda _, faker: faker.url(),
    "prefix": lambda random, _: random.choice(("Mr.", "Ms.", "Dr.")),
    "prefix_male": lambda _, __: "Mr.",
    "prefix_female": lambda random, _: random.choice(("Ms.", "Mrs.")),
    "nationality": lambda random, _: random.choice(_NATIONALITIES),
    "nation_woman": lambda random, _: random.choice(("a Frenchwoman", "an Englishwoman", "a Dutchwoman")),
    "nation_plural": lambda random, _: random.choice(("Germans", "Italians", "Danes", "Kenyans")),
    "age": lambda random, _: str(random.randrange(18, 95)),
    "year": lambda random, _: str(random.randrange(1950, 2026)),
    "date_time": lambda _, faker: faker.date_time_this_century().strftime("%d %B %Y"),
    "day_of_week": lambda random, _: random.choice(_WEEKDAYS),
}


def _order_number(random: Random) -> str:
    """Digits whose last one fails Luhn's check."""
    while passes_luhn(number := str(random.randrange(10**5, 10 ** random.randrange(6, 13)))):
        pass
    return number


def passes_luhn(number: str) -> bool:
    """Whether the digits could be those of a card."""
    doubled = (int(digit) * (1 + place % 2) for place, digit in enumerate(reversed(number)))
    return sum(value - 9 * (value > 9) for value in doubled) % 10 == 0  # noqa: PLR2004


def _version(random: Random) -> str:
    numbers = [str(random.randrange(30)) for _ in range(random.choice((2, 3, 3, 3)))]
    return ".".join(numbers) + random.choice(("", "", "", "-rc1", "-beta.2"))


def _price(random: Random) -> str:
    amount = f"{random.randrange(1, 2000)}.{random.choice(('00', '50', '99'))}"
    return random.choice((f"${amount}", f"€{amount}", f"{amount} EUR", f"{amount} USD", f"£{amount}"))


def _release_date(random: Random) -> str:
    month, day, year = random.randrange(12), random.randrange(1, 29), random.randrange(2022, 2027)
    return random.choice(
        (
            f"{year}-{month + 1:02}-{day:02}",
            f"{day} {_MONTHS[month]} {year}",
            f"{_MONTHS[month]} {day}, {year}",
        )
    )


def _choice(options: Sequence[str]) -> Callable[[Random], str]:
    return lambda random: random.choice(options)


#: What has to stay.
_HARMLESS: Final[dict[str, Callable[[Random], str]]] = {
    "version": _version,
    "price": _price,
    "order_number": _order_number,
    "release_date": _release_date,
    "month": _choice(_MONTHS),
    "weekday": _choice(_WEEKDAYS),
    "invoice_number": lambda random: f"INV-{random.randrange(2022, 2027)}-{random.randrange(10**4):04}",
    "sku": lambda random: f"{random.choice('ABKTX')}{random.choice('CDLM')}-{random.randrange(1000, 99999)}",
    "duration": lambda random: (
        f"{random.randrange(2, 900)} {random.choice(('ms', 's', 'min', 'hours', 'days'))}"
    ),
    "size": lambda random: f"{random.randrange(1, 900)} {random.choice(('KB', 'MB', 'GB', 'TB'))}",
    "percent": lambda random: f"{random.randrange(1000) / 10}%",
    "status": _choice(("400", "401", "404", "409", "422", "429", "500", "502", "503", "504")),
    "time": lambda random: f"{random.randrange(24):02}:{random.randrange(60):02}",
    "port": lambda random: str(random.randrange(1024, 65536)),
    "line": lambda random: str(random.randrange(1, 3000)),
    "build": lambda random: f"{random.randrange(10000, 30000)}.{random.randrange(1, 9999)}",
    "commit": lambda random: f"{random.randrange(16**6, 16**7):07x}",
}
