"""Sample events of the reference product: sessions of invented people.

Personal data stands where people and programs really put it. The same count, seed and mix give the same
bytes on every machine.
"""

import json
from collections.abc import Callable
from enum import StrEnum
from itertools import accumulate
from random import Random
from typing import NamedTuple
from urllib.parse import urlsplit

from service.demo.people import LANGUAGES, Person, person, sometimes, token, uuid
from service.demo.planted import Kind, Place, SampleEvent
from service.demo.writer import Writer, texts
from service.events.json_value import JsonObject, JsonValue
from service.events.timestamps import format_timestamp

#: The first second of the sample: 2026-03-02T06:00:00Z.
START = 1_772_431_200
#: Of a hundred events, so many carry words.
_WITH_WORDS_PERCENT = 10
_EVENTS_PER_USER = 12


class Mix(StrEnum):
    """Which events are made: the reference product's; for benchmarks only those without words, or only such
    with several sentences.
    """

    STRUCTURED = "structured"
    REALISTIC = "demo"
    TEXT = "text"


class _Call(NamedTuple):
    """A call before the envelope is put around it."""

    type: str
    event: str | None = None
    properties: JsonObject | None = None
    traits: JsonObject | None = None


def generate(count: int, *, seed: int, mix: Mix = Mix.REALISTIC) -> list[SampleEvent]:
    """Sample events in the order of their timestamps, each second used once.

    Args:
        count: How many.
        seed: Which; every seed gives other people and other sessions.
        mix: What they hold.
    """
    random = Random(seed)  # noqa: S311  (a repeatable sample, no secret)
    people = [person(random, random.choice(LANGUAGES)) for _ in range(max(8, count // _EVENTS_PER_USER))]
    # Zipf: the n-th user is 1/n as busy as the first.
    weights = list(accumulate(1 / rank for rank in range(1, len(people) + 1)))
    moments: list[tuple[int, int, Person]] = []
    while len(moments) < count:
        who = random.choices(people, cum_weights=weights)[0]
        moment = START + random.randrange(count * 60)
        for _ in range(random.randrange(2, 25)):
            moments.append((moment, len(moments), who))
            moment += random.randrange(2, 90)
    moments = sorted(moments[:count], key=lambda entry: entry[:2])
    events = []
    second = START
    for moment, _, who in moments:
        second = max(moment, second + 1)
        events.append(_event(random, who, random.choice(people), second, mix))
    return events


class Visit(NamedTuple):
    """A raw event of a population.

    Attributes:
        user: Whose it is: the same text for all of a user's events.
        raw: The record value.
    """

    user: str
    raw: bytes


def population(users: int, days: int, *, seed: int) -> list[Visit]:
    """The reference product's events of so many users over so many days, in the order of their times.

    Most users come once, some nearly every day. Unlike `generate`, a second may hold several users' events.
    """
    random = Random(seed)  # noqa: S311  (a repeatable sample, no secret)
    people = [person(random, random.choice(LANGUAGES)) for _ in range(users)]
    moments: list[tuple[int, int, Person]] = []
    for who in people:
        for _ in range(min(days, int(random.paretovariate(1.2)))):
            moment = START + random.randrange(days * 86_400)
            for _ in range(random.randrange(2, 25)):
                moments.append((moment, len(moments), who))
                moment += random.randrange(2, 90)
    visits = []
    for second, _, who in sorted(moments, key=lambda entry: entry[:2]):
        event = _event(random, who, random.choice(people), second, Mix.REALISTIC)
        assert event.raw is not None
        visits.append(Visit(who.anonymous_id, event.raw))
    return visits


def _event(random: Random, who: Person, other: Person, second: int, mix: Mix) -> SampleEvent:
    writer = Writer(random)
    with_words = mix is Mix.REALISTIC and sometimes(random, _WITH_WORDS_PERCENT)
    makers = _LONG_WORDS if mix is Mix.TEXT else _WITH_WORDS if with_words else _STRUCTURED
    call = random.choices(list(makers), weights=list(makers.values()))[0](writer, who, other)
    if mix is Mix.REALISTIC and call.event is not None and not with_words and sometimes(random, 2):
        call = call._replace(event="Legacy Button Clicked")  # not in the tracking plan
    body = _envelope(writer, who, call, second, mix=mix, with_words=with_words)
    raw = json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
    key = body.get("userId") or body["anonymousId"]
    return SampleEvent(str(key).encode(), raw, body, second, who.language, tuple(writer.planted))


def _envelope(
    writer: Writer, who: Person, call: _Call, second: int, *, mix: Mix, with_words: bool
) -> JsonObject:
    random = writer.random
    body: JsonObject = {"type": call.type}
    if call.event is not None:
        body["event"] = call.event
    body["messageId"] = writer.plant(uuid(random), Kind.IDENTIFIER)
    body["anonymousId"] = writer.plant(who.anonymous_id, Kind.IDENTIFIER)
    if call.type != "page" or sometimes(random, 70):
        body["userId"] = writer.plant(who.user_id, Kind.IDENTIFIER)
    if call.type == "group":
        body["groupId"] = writer.plant(f"org_{uuid(random)[:8]}", Kind.IDENTIFIER)
    if call.type == "alias":
        body["previousId"] = who.anonymous_id
    milliseconds = random.randrange(1000)
    body["timestamp"] = f"{format_timestamp(second)[:-1]}.{milliseconds:03}Z"
    if call.properties is not None:
        body["properties"] = call.properties
    if call.traits is not None:
        body["traits"] = call.traits
    body["context"] = _context(writer, who, with_words=with_words)
    if mix is Mix.REALISTIC:
        _choices(random, body)
        if sometimes(random, 8):
            _stray(writer, who, body)
    return body


def _context(writer: Writer, who: Person, *, with_words: bool) -> JsonObject:
    random = writer.random
    context: JsonObject = {
        "ip": writer.plant(who.ip, Kind.IP),
        "userAgent": who.user_agent,
        "locale": who.locale,
        "timezone": who.timezone,
        "library": {"name": "analytics.js", "version": "2.11.1"},
        "app": {"name": "console", "version": "4.7.2"},
        "screen": {"width": who.screen[0], "height": who.screen[1]},
    }
    if sometimes(random, 50):
        context["page"] = {"url": writer.url(who), "referrer": "https://www.example.com/"}
    if sometimes(random, 30):
        context["location"] = {
            "city": who.city,
            "region": who.region,
            "country": who.country,
            "latitude": float(writer.plant(str(who.latitude), Kind.COORDINATE)),
            "longitude": float(writer.plant(str(who.longitude), Kind.COORDINATE)),
        }
    if sometimes(random, 20):
        context["device"] = {
            "id": writer.plant(who.device_id, Kind.IDENTIFIER),
            "type": "desktop",
            "token": writer.plant(token(random), Kind.TOKEN),
        }
    if sometimes(random, 10):
        context["traits"] = {
            "email": writer.plant(who.email, Kind.EMAIL),
            "name": writer.plant(who.name, Kind.NAME),
        }
    if with_words and sometimes(random, 20):
        campaign = writer.fill(random.choice(texts()["campaign"]), who)
        context["campaign"] = {"name": campaign, "source": "newsletter", "medium": "email"}
    return context


def _choices(random: Random, body: JsonObject) -> None:
    """What the user and the site owner chose: consent, and the switches of the destinations."""
    context = body["context"]
    assert isinstance(context, dict)
    if sometimes(random, 25):
        preferences: JsonValue = {"analytics": sometimes(random, 85), "advertising": sometimes(random, 50)}
        if sometimes(random, 4):
            broken: tuple[JsonValue, ...] = ({"advertising": True}, "yes")
            preferences = random.choice(broken)
        context["consent"] = {"categoryPreferences": preferences}
    if sometimes(random, 10):
        switches: tuple[JsonObject, ...] = (
            {"All": True, "Mixpanel": False},
            {"All": False, "Segment": True},
            {"Google Analytics 4": False},
        )
        body["integrations"] = random.choice(switches)


def _stray(writer: Writer, who: Person, body: JsonObject) -> None:
    """Keys that nobody planned: other spellings, personal data in a key's name, JSON inside a string."""
    key = "traits" if body["type"] in {"identify", "group"} else "properties"
    holder = body.setdefault(key, {})
    assert isinstance(holder, dict)
    email = writer.plant(who.email, Kind.EMAIL)
    match writer.random.randrange(5):
        case 0:
            holder["userEmail"] = email
        case 1:
            holder["E-Mail"] = email.upper()
        case 2:
            holder[f"seen:{email}"] = True
        case 3:
            name = writer.plant(who.name, Kind.NAME)
            holder["debug"] = json.dumps({"user": {"email": email, "full_name": name}})
        case _:
            holder["contacts"] = [
                {"kind": "owner", "phone": writer.plant(who.phone, Kind.PHONE)},
                {"mail": email},
            ]


def _project(writer: Writer) -> str:
    return writer.plant(f"proj_{uuid(writer.random)[:13]}", Kind.IDENTIFIER)


def _page(writer: Writer, who: Person, _: Person) -> _Call:
    url = writer.url(who)
    return _Call("page", properties={"url": url, "path": urlsplit(url).path})


def _titled_page(writer: Writer, who: Person, other: Person) -> _Call:
    title = writer.fill(writer.random.choice(texts()["title"]), other)
    return _Call("page", properties={"title": title, "url": writer.url(who)})


def _screen(writer: Writer, _: Person, __: Person) -> _Call:
    return _Call("screen", properties={"name": writer.random.choice(("Usage", "Keys", "Billing"))})


def _signed_up(writer: Writer, _: Person, other: Person) -> _Call:
    properties: JsonObject = {
        "method": writer.random.choice(("email", "google", "microsoft", "sso")),
        "plan": writer.random.choice(("free", "team", "enterprise")),
    }
    if sometimes(writer.random, 40):
        properties["invited_by"] = writer.plant(other.email, Kind.EMAIL)
    return _Call("track", "Signed Up", properties)


def _logged_in(writer: Writer, _: Person, __: Person) -> _Call:
    method = writer.random.choice(("email", "google", "microsoft", "sso"))
    return _Call("track", "Logged In", {"method": method, "mfa": sometimes(writer.random, 60)})


def _key_created(writer: Writer, _: Person, __: Person) -> _Call:
    prefix = writer.plant(token(writer.random)[:16], Kind.TOKEN)
    scopes: list[JsonValue] = list(writer.random.sample(texts()["scopes"], writer.random.randrange(1, 4)))
    return _Call("track", "API Key Created", {"key_prefix": prefix, "scopes": scopes})


def _named_key_created(writer: Writer, who: Person, other: Person) -> _Call:
    call = _key_created(writer, who, other)
    name = writer.fill(writer.random.choice(texts()["key_name"]), who)
    return call._replace(properties={"key_name": name, **(call.properties or {})})


def _usage_viewed(writer: Writer, _: Person, __: Person) -> _Call:
    models: list[JsonValue] = list(writer.random.sample(texts()["models"], writer.random.randrange(1, 3)))
    days = writer.random.choice((1, 7, 30, 90))
    return _Call(
        "track", "Usage Viewed", {"range_days": days, "project_id": _project(writer), "models": models}
    )


def _playground_run(writer: Writer, _: Person, __: Person) -> _Call:
    return _Call(
        "track",
        "Playground Run",
        {
            "model": writer.random.choice(texts()["models"]),
            "prompt_tokens": writer.random.randrange(5, 4000),
            "completion_tokens": writer.random.randrange(1, 2000),
            "latency_ms": writer.random.randrange(80, 20_000),
            "temperature": writer.random.randrange(0, 11) / 10,
        },
    )


def _prompted_playground_run(writer: Writer, who: Person, other: Person) -> _Call:
    call = _playground_run(writer, who, other)
    # No vendor may have a prompt, so what it holds counts as structured.
    prompt = writer.fill(writer.random.choice(texts()["prompt"]), other, Place.STRUCTURED)
    return call._replace(properties={**(call.properties or {}), "prompt": writer.plant(prompt, Kind.WORDS)})


def _search(writer: Writer, _: Person, other: Person) -> _Call:
    query = writer.fill(writer.random.choice(texts()["query"]), other)
    return _Call("track", "Search Performed", {"query": query, "results": writer.random.randrange(60)})


def _rating(writer: Writer, who: Person, _: Person) -> _Call:
    properties: JsonObject = {"rating": writer.random.randrange(1, 6)}
    if sometimes(writer.random, 50):
        properties["contact_email"] = writer.plant(who.email, Kind.EMAIL)
    return _Call("track", "Feedback Submitted", properties)


def _feedback(writer: Writer, who: Person, other: Person) -> _Call:
    call = _rating(writer, who, other)
    template = writer.random.choice(texts()["comment"][who.language])
    comment = writer.fill(template, other if "{email}" in template else who)
    return call._replace(properties={**(call.properties or {}), "comment": comment})


def _long_feedback(writer: Writer, who: Person, other: Person) -> _Call:
    call = _rating(writer, who, other)
    comment = _sentences(writer, texts()["comment"][who.language], who, other)
    return call._replace(properties={**(call.properties or {}), "comment": comment})


def _long_ticket(writer: Writer, who: Person, other: Person) -> _Call:
    call = _ticket(writer, who, other)
    body = _sentences(writer, texts()["body"][who.language], who, other)
    return call._replace(properties={**(call.properties or {}), "body": body})


def _sentences(writer: Writer, templates: list[str], who: Person, other: Person) -> str:
    chosen = writer.random.sample(templates, k=min(len(templates), writer.random.randrange(3, 9)))
    return " ".join(writer.fill(template, other if "{email}" in template else who) for template in chosen)


def _ticket(writer: Writer, who: Person, other: Person) -> _Call:
    return _Call(
        "track",
        "Support Ticket Opened",
        {
            "subject": writer.fill(writer.random.choice(texts()["subject"][who.language]), who),
            "body": writer.fill(writer.random.choice(texts()["body"][who.language]), other),
            "priority": writer.random.choice(("low", "normal", "high", "urgent")),
            "category": writer.random.choice(("billing", "bug", "account", "other")),
        },
    )


def _plan_changed(writer: Writer, who: Person, _: Person) -> _Call:
    return _Call(
        "track",
        "Plan Changed",
        {
            "from_plan": "free",
            "to_plan": writer.random.choice(("team", "enterprise")),
            "seats": writer.random.randrange(1, 300),
            "amount": writer.random.randrange(2000, 900_000) / 100,
            "currency": writer.random.choice(("EUR", "USD", "GBP")),
            "coupon": "SPRING26",
            "card_last4": f"{writer.random.randrange(10_000):04}",  # too short to be searched for
            "billing_address": _address(writer, who),
        },
    )


def _invite(writer: Writer, _: Person, other: Person) -> _Call:
    role = writer.random.choice(("owner", "admin", "member", "viewer"))
    return _Call(
        "track", "Invite Sent", {"invitee_email": writer.plant(other.email, Kind.EMAIL), "role": role}
    )


def _team_invite(writer: Writer, who: Person, other: Person) -> _Call:
    call = _invite(writer, who, other)
    team = writer.fill(writer.random.choice(texts()["team_name"]), who)
    return call._replace(properties={**(call.properties or {}), "team_name": team})


def _error_code(writer: Writer, who: Person, _: Person) -> _Call:
    code = writer.random.choice(("timeout", "overloaded", "invalid_key", "not_found"))
    return _Call("track", "Error Shown", {"code": code, "url": writer.url(who)})


def _error(writer: Writer, who: Person, other: Person) -> _Call:
    call = _error_code(writer, who, other)
    message = writer.fill(writer.random.choice(texts()["message"]), who)
    stack = writer.fill(writer.random.choice(texts()["stack"]), who)
    return call._replace(properties={**(call.properties or {}), "message": message, "stack": stack})


def _upload(writer: Writer, _: Person, __: Person) -> _Call:
    size = writer.random.randrange(200, 40_000_000)
    return _Call(
        "track", "File Uploaded", {"size_bytes": size, "mime": writer.random.choice(texts()["mimes"])}
    )


def _named_upload(writer: Writer, who: Person, other: Person) -> _Call:
    call = _upload(writer, who, other)
    name = writer.fill(writer.random.choice(texts()["file_name"]), other)
    return call._replace(properties={"file_name": name, **(call.properties or {})})


def _identify(writer: Writer, who: Person, _: Person) -> _Call:
    return _Call(
        "identify",
        traits={
            "name": writer.plant(who.name, Kind.NAME),
            "first_name": who.first,
            "last_name": who.last,
            "email": writer.plant(who.email, Kind.EMAIL),
            "phone": writer.plant(who.phone, Kind.PHONE),
            "username": writer.plant(who.username, Kind.USERNAME),
            "company": writer.random.choice(texts()["companies"]),
            "plan": writer.random.choice(("free", "team", "enterprise")),
            "seats": writer.random.randrange(1, 300),
            "birthday": writer.plant(who.birthday, Kind.BIRTHDAY),
            "gender": who.gender,
            "language": who.language,
            "address": _address(writer, who),
        },
    )


def _identify_with_job(writer: Writer, who: Person, other: Person) -> _Call:
    call = _identify(writer, who, other)
    return call._replace(
        traits={**(call.traits or {}), "job_title": writer.random.choice(texts()["job_title"])}
    )


def _group(writer: Writer, _: Person, __: Person) -> _Call:
    return _Call(
        "group",
        traits={
            "name": writer.random.choice(texts()["companies"]),
            "industry": writer.random.choice(("software", "education", "retail")),
            "employees": writer.random.randrange(1, 5000),
            "plan": writer.random.choice(("team", "enterprise")),
        },
    )


def _alias(_: Writer, __: Person, ___: Person) -> _Call:
    return _Call("alias")


def _address(writer: Writer, who: Person) -> JsonObject:
    return {
        "street": writer.plant(who.street, Kind.STREET),
        "city": who.city,
        "state": who.region,
        "postal_code": who.postal_code,
        "country": who.country,
    }


_Maker = Callable[[Writer, Person, Person], _Call]

#: How often each call is made among those without words, those with, and those with many.
_STRUCTURED: dict[_Maker, int] = {
    _page: 28,
    _screen: 4,
    _signed_up: 4,
    _logged_in: 9,
    _key_created: 3,
    _usage_viewed: 13,
    _playground_run: 20,
    _rating: 2,
    _plan_changed: 3,
    _invite: 3,
    _error_code: 3,
    _upload: 3,
    _identify: 5,
    _group: 2,
    _alias: 1,
}
_WITH_WORDS: dict[_Maker, int] = {
    _search: 25,
    _feedback: 18,
    _ticket: 12,
    _named_key_created: 10,
    _team_invite: 7,
    _error: 10,
    _named_upload: 8,
    _titled_page: 6,
    _prompted_playground_run: 4,
    _identify_with_job: 3,
}
_LONG_WORDS: dict[_Maker, int] = {
    _long_feedback: 60,
    _long_ticket: 40,
}
