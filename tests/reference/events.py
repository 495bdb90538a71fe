"""Random raw records for a policy: right and wrong values, and whatever has ever been hard."""

import json
from collections.abc import Callable, Mapping
from random import Random
from typing import Any, Final, NamedTuple

import orjson

from service.events.json_value import JsonObject, JsonValue
from tests.reference.policies import SYSTEMS, Fields, PlannedPolicy


class Person(NamedTuple):
    """An invented person."""

    name: str
    email: str
    phone: str
    user: str | int
    device: str


PEOPLE: Final = (
    Person("Ana Lima", "ana.lima@example.org", "+55 11 5550 1234", "usr-77120", "dev-a1b2c3d4"),
    Person("Claude Page", "c.page@example.com", "+1 (415) 555-0132", 4281973, "7f3a-11-c0ffee"),
    Person("Jürgen Müller-Groß", "jmg+news@example.de", "+49 30 5550 9911", "jmueller", "device/77 1"),
    Person("王小明", "wang@example.cn", "+86 10 5550 7788", "u_王_01", "équipement-5"),
    Person("Will Free", "will@free.example.net", "0044 20 7946 0018", "42", "anonymous"),
    Person("Team Opus", "opus@example.org", "+33 1 55 50 43 21", "enterprise", "tablet.9"),
)
#: Around the lengths at which a vendor cuts, in characters.
CUTS: Final = (36, 100, 255, 1024, 4096, 8192)
FILLERS: Final = (
    "the quick build went well and ",
    "größer als ",
    "データを見る",
    'a\tb\n"c" \\ / \u2028',
    "x",
)
SECRETS: Final = (
    "ana.lima@example.org",
    "+49 30 5550 9911",
    "4111 1111 1111 1111",
    "DE89 3704 0044 0532 0130 00",
    "203.0.113.77",
    "ghp_" + "a1B2" * 9,
    "Ana Lima",
    "dXNyLTc3MTIwLWFuYS5saW1hQGV4YW1wbGUub3Jn",
)
SENTENCES: Final = (
    "all good",
    "Hello, my name is {name}, mail {email} or call {phone}.",
    "user {user} on {device} sees error 500",
    "{name}",
    "{email}",
    "Grafana with the Madison theme for Juniper, says {name}",
    "Project Nightjar and Bluebird at Quokka; the Lima office",
    "card 4111 1111 1111 1111, iban DE89 3704 0044 0532 0130 00",
    "ping 203.0.113.77 and 2001:db8:1:2::3 with ghp_" + "a1B2" * 9,
    "Please write to ana%2Elima%40example.org &lt;{email}&gt;",
    "  spaces\tand \u200binvisible\u200b {name} ",
    "Ana Lima lives at 12 Harbour Street, Springfield",
    "",
    "nightowl77 was here, says {name}",
    "7.11 of prj-9912",
    "free",
    "true",
)
QUIET: Final = (
    *("all good", "free", "Größe", "1", "true", "does it work with 7.11?", "", "Linux"),
    *(letter * (length + more) for letter, length in zip("xüy", CUTS, strict=False) for more in (0, 1)),
)
URLS: Final = (
    "https://console.example.org/users/{user}/keys?utm_source={name}&utm_term=x&q={email}#top",
    "https://console.example.org/docs/quickstart",
    "http://{email}@example.org:8080/settings/billing",
    "/projects/7f3a11c0ffee/edit?utm_campaign=spring%20sale",
    "/docs",
    "//example.com/team/{device}",
    "ftp://example.org/x",
    "https://example.org/" + "docs/" * 60,
    "not a url",
)
AGENTS: Final = (
    "Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/141.0.0.0 Safari/537.36",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605 Version/18.1 Mobile Safari/604.1",
    "Mozilla/5.0 (X11; Ubuntu; Linux x86_64) curl",
    "curl/8.5.0",
    "Ana Lima's browser/1",
)
#: The look-alikes of numbers and switches, and the ends of their ranges.
NUMBERS: Final = (
    0, 1, 1.0, True, False, -0.0, 5, 5.5, -1, "1", "true", 42, 42.0, 100, 101, 1e16, 10**16, 1e17, 0.1, 1e-7,
    2**53, 2**53 + 1, 2**63, 2**64 - 1, -(2**63), 1.5, "5", 33, 1987, "1987-05-02", 1366, 768.5,
)  # fmt: skip
STRANGE: Final[tuple[JsonValue, ...]] = (
    None, "", " ", [], {}, [None], ["free", 1], [1, True], {"a": 1}, {"brand": {"x": [{}]}}, [["free"]],
    [{"name": "Ana Lima"}], "\u0000", "\ud7ff\U0001f4a9", "null", True, 0, "<IDENTITY>", "w" + "0" * 32,
)  # fmt: skip
TIMES: Final = (
    "2026-11-03T12:34:56Z",
    "2026-11-03T12:34:56.789+02:00",
    "2026-01-01T00:00:00Z",  # where a key begins
    "2025-12-31T23:59:59Z",
    "2026-06-01T00:00:00+00:00",
    "2026-05-31T23:59:59.999999Z",
    "1971-01-01T00:00:00Z",
    "1970-12-31T23:59:59Z",
    "1970-06-01T10:00:00Z",
    "1970-01-01T00:00:00Z",
    "1969-12-31T23:59:59Z",
    "1969-12-31t00:00:01z",
    "1960-03-01T00:00:00Z",
    "0001-01-01T00:00:00Z",
    "9999-12-31T23:59:59Z",
    "2016-12-31T23:59:60Z",
)
BAD_TIMES: Final = ("2026-11-03T12:34:56", "2026-13-03T12:34:56Z", "yesterday", "")
PLAIN_TIMES: Final = TIMES[:6]
KEYS_BEGIN: Final = ("1969-12-31T00:00:00Z", "2026-01-01T00:00:00Z", "2026-06-01T00:00:00Z")


#: The classes of which a value may be long.
_TEXTS: Final = ("text.short", "text.long", "note", "web.campaign")
_COUNTRY: Final = "context.location.country"
#: Items of a list that is longer than any vendor takes, or nearly.
_LONG_LISTS: Final = (254, 255, 256, 300)


class _First(NamedTuple):
    """The first event of a family: what it says, of which fields in its objects, and about whom."""

    body: JsonObject
    fields: Fields
    who: Person


class EventMaker:
    """Makes records for one policy, all from one `random.Random`."""

    def __init__(self, rng: Random, policy: PlannedPolicy) -> None:
        self._rng = rng
        self._policy = policy
        self._quiet = 0.0  # how many texts hold nothing to be found
        self._makers: dict[str, Callable[[Person], JsonValue]] = {
            "identifier.user": lambda who: who.user,
            "identifier.device": lambda who: who.device,
            "identifier.event": lambda _: f"m-{rng.randrange(50)}",
            "identifier.object": lambda who: rng.choice(("prj-9912", "org_77", 9912, "7.11", who.user)),
            "contact.email": lambda who: who.email,
            "contact.phone": lambda who: who.phone,
            "person.name": lambda who: who.name,
            "person.birth": lambda _: rng.choice((34, "1987", "1987-05-02", 1902, 95)),
            "payment.card": lambda _: rng.choice(("4111 1111 1111 1111", "1234")),
            "secret": lambda _: rng.choice(("ghp_" + "a1B2" * 9, "swordfish-77", "abcd")),
            "organization.name": lambda _: rng.choice(("Umbrella Ltd", "ACME")),
            "organization.size": lambda _: rng.choice((1, 12, 5000, "37")),
            "location.country": lambda _: rng.choice(("DE", "Brazil", "US", "Atlantis")),
            "nation": lambda _: rng.choice(("DE", "US", "de", "Brazil")),
            "location.region": lambda _: rng.choice(("BR-SP", "São Paulo", "Georgia", "CA")),
            "locale.language": lambda _: rng.choice(("pt-BR", "de", "fr_FR", "en")),
            "network.ip": lambda _: rng.choice(("203.0.113.77", "2001:db8:1:2::3", "::ffff:203.0.113.9")),
            "network.user_agent": lambda _: rng.choice(AGENTS),
            "device.platform": lambda _: rng.choice((*SYSTEMS, "7.11.1", "18")),
            "device.screen": lambda _: rng.choice((1366, 768, 390.5, 4)),
            "web.url": lambda who: filled(rng.choice(URLS), who),
            "web.path": lambda who: filled(rng.choice(URLS), who),
            "web.campaign": lambda who: rng.choice(("spring sale", "newsletter", who.email, "x" * 37)),
            "text.short": self._text,
            "text.long": self._text,
            "note": self._text,
            "time": lambda _: rng.choice(TIMES),
        }

    def records(self, count: int) -> list[bytes | None]:
        """So many records, in families: an event, and others that differ from it in a few values alone."""
        records: list[bytes | None] = []
        while len(records) < count:
            first = self._event()
            records.append(self._record(first.body))
            records += [self._record(self._sibling(first)) for _ in range(self._rng.choice((0, 5, 15, 30)))]
        return records[:count]

    def _record(self, body: JsonObject) -> bytes | None:
        """One record; a few are broken."""
        rng = self._rng
        record = self._encoded(body)
        if rng.random() > 0.02:
            return record
        return rng.choice(
            (
                None,
                b"",
                record[:-1],
                b"\xef\xbb\xbf" + record,
                record.replace(b":", b"", 1),
                record + b"\xff",
                b"[" + record + b"]",
                record[:-1] + b',"n":NaN}',
                record[:-1] + b',"n":18446744073709551616}',
                record[:-1] + b',"n":' + b"[" * 40 + b"]" * 40 + b"}",
                record[:-1] + b',"userId":[1]}',
                record[:-1] + b',"type":"tracked"}',
            )
        )

    def _sibling(self, first: "_First") -> JsonObject:
        """An event with the fields of another one, a few with another value."""
        rng = self._rng
        body: JsonObject = orjson.loads(orjson.dumps(first.body))
        who = first.who if rng.random() < 0.8 else rng.choice(PEOPLE)
        if who is not first.who:
            body |= {
                name: value
                for name, value in (("userId", who.user), ("anonymousId", who.device))
                if name in body
            }
        body["messageId"] = f"m-{rng.randrange(50)}" if rng.random() < 0.98 else "undefined"
        if rng.random() < 0.1:
            body["timestamp"] = self._time()
        changed = rng.sample(list(first.fields), min(rng.choice((1, 1, 2, 4)), len(first.fields)))
        if _COUNTRY in first.fields and rng.random() < 0.3:  # valid with GA4 or not, by its value alone
            changed.append(_COUNTRY)
        for path in changed:
            place(body, path, self._value(path, first.fields[path], who, 0.05))
        if rng.random() < 0.006:  # some of its texts are so long that the whole is too large for Segment
            texts = [path for path, form in first.fields.items() if form["class"] in _TEXTS]
            for path in texts[:4]:
                place(body, path, long_text(rng, CUTS[-2], FILLERS[2]))
        return body

    def _event(self) -> "_First":
        rng, policy = self._rng, self._policy
        who = rng.choice(PEOPLE)
        self._quiet = rng.choice((0.85, 0.85, 0.5, 0.0))
        call = rng.choice(("track",) * 5 + ("page", "screen", "identify", "group", "alias"))
        body: JsonObject = {"type": call}
        fields: Fields = dict(policy.common)
        if call == "track":
            name = rng.choice(list(policy.events)) if rng.random() < 0.97 else "Unknown Event"
            body["event"] = name
            fields |= policy.events.get(name, {})
        else:
            fields |= policy.calls[call]
        share = rng.choice((0.3, 0.6, 0.6, 0.9))
        fields = {path: form for path, form in fields.items() if rng.random() < share}
        self._fill(body, fields, who, rng.choice((0.0, 0.02, 0.2)))
        self._identify(body, who, call)
        body["timestamp"] = self._time()
        context = body.setdefault("context", {})
        if isinstance(context, dict) and rng.random() < 0.8:
            context["consent"] = self._consent()
        if rng.random() < 0.25:
            body["integrations"] = self._switches()
        if rng.random() < 0.2:
            self._scatter(body, who)
        inside = {path: form for path, form in fields.items() if "." in path}
        return _First(body, inside, who)

    def _time(self) -> str:
        drawn = self._rng.random()
        return self._rng.choice(PLAIN_TIMES if drawn < 0.8 else TIMES if drawn < 0.98 else BAD_TIMES)

    def _fill(self, body: JsonObject, fields: Fields, who: Person, wrong: float) -> None:
        """Put values into the fields; now and then the value of another with the same last key."""
        rng = self._rng
        by_last_key: dict[str, JsonValue] = {}
        repeats = rng.random() < 0.3
        for path, form in fields.items():
            last = path.rpartition(".")[2].lower()
            if repeats and last in by_last_key and rng.random() < 0.7:
                value = by_last_key[last]
            else:
                value = self._value(path, form, who, wrong)
            by_last_key[last] = value
            place(body, path, value)

    def _value(self, path: str, form: Mapping[str, Any], who: Person, wrong: float) -> JsonValue:
        if path == "sentAt":  # decode looks at its type
            return self._rng.choice((*TIMES, *BAD_TIMES, None))
        return self._anything(who) if self._rng.random() < wrong else self._suiting(form, who)

    def _identify(self, body: JsonObject, who: Person, call: str) -> None:
        rng = self._rng
        body["messageId"] = rng.choice((f"m-{rng.randrange(50)}", "0b5f7f4e-3c1d-4c8e-9a64-0d6c2b6f1e55"))
        signed_in = rng.random()
        for name in ("userId", "anonymousId", "groupId", "previousId"):
            body.pop(name, None)
        if signed_in < 0.75:
            body["userId"] = who.user
        if signed_in > 0.5:
            body["anonymousId"] = who.device
        if rng.random() < 0.05:
            body[rng.choice(("userId", "anonymousId"))] = rng.choice(("anonymous", 0, "null", "", None, "x1"))
        if rng.random() < 0.01:
            body[rng.choice(("userId", "groupId", "sentAt"))] = rng.choice((42.0, True, [], {}))
        if rng.random() < 0.02:
            body["messageId"] = rng.choice(("undefined", " ", "-1"))
        if rng.random() < (0.9 if call == "group" else 0.2):
            body["groupId"] = rng.choice(("org_77", 9912, "none"))
        if call == "alias" and rng.random() < 0.9:
            body["previousId"] = rng.choice((who.device, "visitor-31337", 7))

    def _consent(self) -> JsonValue:
        rng = self._rng
        if rng.random() < 0.8:
            return {"categoryPreferences": dict.fromkeys(self._policy.consents, True)}
        category = rng.choice(self._policy.consents)
        preferences: tuple[JsonValue, ...] = (
            [category],
            {},
            {category: True},
            {category: False},
            {category: 1},
        )
        unclear: tuple[JsonValue, ...] = ({}, None, True)
        return rng.choice((*unclear, *({"categoryPreferences": each} for each in preferences)))

    def _switches(self) -> JsonValue:
        rng = self._rng
        names = [
            *self._policy.integrations,
            "All",
            "mixpanel",
            "google analytics 4",
            "posthog",
            "ALL",
            "Other",
        ]
        if rng.random() < 0.1:
            return rng.choice((None, {}))
        settings: tuple[JsonValue, ...] = (True, True, False, {}, {"x": 1}, None, 1, "true")
        return {name: rng.choice(settings) for name in rng.sample(names, rng.randint(1, 3))}

    def _scatter(self, body: JsonObject, who: Person) -> None:
        """Keys that no plan names, and what lies on the way to fields that it does name."""
        rng = self._rng
        place(body, rng.choice(("properties.unknown", "context.x.y", "traits.other")), who.email)
        body["extra"] = {
            "firstName": who.name,
            "deep": [{"email": who.email, "username": "nightowl77"}, ["x"]],
        }
        if rng.random() < 0.3:
            path = rng.choice(
                ("context.page", "context.os", "properties.address", "context.deep.a", "traits")
            )
            place(body, path, None if path == "traits" else self._anything(who))

    def _suiting(self, form: Mapping[str, Any], who: Person) -> JsonValue:
        rng = self._rng
        data_class = form["class"]
        guarded = form.keys() - {"class"}
        if guarded and (data_class not in self._makers or rng.random() < 0.5):
            return self._guarded(form, who)
        return self._makers[data_class](who) if data_class in self._makers else self._guarded(form, who)

    def _guarded(self, form: Mapping[str, Any], who: Person) -> JsonValue:
        rng = self._rng
        kind = form.get("type", "string")
        if kind in {"integer", "number"}:
            return rng.choice((*NUMBERS, form["minimum"], form["maximum"]))
        if kind == "boolean":
            return rng.choice((True, False, True, False, 1, 0, "true"))
        if kind == "list":
            if rng.random() < 0.03:
                return [self._word(form, who)] * rng.choice(_LONG_LISTS)
            return [self._word(form, who) for _ in range(rng.choice((0, 1, 2, 3, 4)))]
        return self._word(form, who)

    def _word(self, form: Mapping[str, Any], who: Person) -> str:
        rng = self._rng
        if "enum" in form:
            words = form["enum"]
            return str(rng.choice(self._policy.word_lists[words] if isinstance(words, str) else words))
        if "parts" in form:
            words = self._policy.word_lists[form["parts"]]
            return "-".join(rng.choice((*words, "3.1", "70b")) for _ in range(rng.choice((1, 2, 3, 5))))
        if "pattern" in form:
            return str(rng.choice(("7.11", "18", who.email, "203.0.113.77", "free", "a.b", "ana")))
        if form.get("type") == "list":
            return rng.choice(
                (who.name.replace(" ", ""), who.email, "free", "x" * 101, "ü" * 36, "4111111111111111")
            )
        return self._text(who)

    def _text(self, who: Person) -> str:
        rng = self._rng
        drawn = rng.random()
        if drawn < self._quiet:
            return rng.choice(QUIET)
        if drawn < 0.9:
            return filled(rng.choice(SENTENCES), who)
        return long_text(rng, rng.choice(CUTS[:3] if drawn < 0.99 else CUTS))

    def _anything(self, who: Person) -> JsonValue:
        rng = self._rng
        drawn = rng.random()
        if drawn < 0.3:
            return rng.choice(STRANGE)
        if drawn < 0.5:
            return rng.choice(NUMBERS)
        if drawn < 0.8:
            return rng.choice((who.name, who.email, who.phone, who.user, who.device, *SECRETS))
        return self._text(who)

    def _encoded(self, body: JsonObject) -> bytes:
        rng = self._rng
        if rng.random() < 0.5:
            body = self._shuffled(body)
        drawn = rng.random()
        if drawn < 0.8:
            in_json = orjson.dumps(body)
            return in_json.replace(b"@", b"\\u0040").replace(b"=", b"\\u003D") if drawn < 0.05 else in_json
        text = json.dumps(body, ensure_ascii=rng.random() < 0.7, indent=rng.choice((None, 1)))
        return text.encode("utf-8")

    def _shuffled(self, body: JsonObject) -> JsonObject:
        keys = self._rng.sample(list(body), len(body))
        return {key: self._shuffled(value) if isinstance(value := body[key], dict) else value for key in keys}


def filled(text: str, who: Person) -> str:
    """A template with a person put in."""
    return text.format(**who._asdict()) if "{" in text else text


def long_text(rng: Random, length: int, filler: str | None = None) -> str:
    """A text of about a length; in some a secret ends, begins or lies across there."""
    filler = rng.choice(FILLERS) if filler is None else filler
    total = length + rng.choice((-1, 0, 1, 40))
    text = (filler * (total // len(filler) + 1))[:total]
    if rng.random() < 0.5:
        return text
    secret = rng.choice(SECRETS)
    start = max(
        length - rng.choice((0, 1, len(secret) // 2, len(secret) - 1, len(secret), len(secret) + 1)), 0
    )
    return f"{text[: max(start - 1, 0)]} {secret} {text[start:total]}"


def place(body: JsonObject, path: str, value: JsonValue) -> None:
    """Put a value at a path; what is in the way goes."""
    *way, last = path.split(".")
    node = body
    for key in way:
        inner = node.get(key)
        if not isinstance(inner, dict):
            inner = node[key] = {}
        node = inner
    node[last] = value
