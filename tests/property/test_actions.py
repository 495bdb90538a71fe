"""No action raises for any JSON value, and none lets a secret through."""

import json
from urllib.parse import quote

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from service.actions.action import REFUSED
from service.actions.word_list import word_list
from service.detection.spans import Span
from service.events.json_value import JsonValue
from service.policy.action_specs import (
    ActionSpec,
    BrowserFamily,
    Country,
    EmailDomainClass,
    Guard,
    IpPrefix,
    Keep,
    Language,
    Mask,
    NumberBucket,
    Pseudonymize,
    Region,
    ScreenBucket,
    Scrub,
    TimeUnit,
    UrlPath,
    UrlTemplate,
    YearBand,
)
from service.policy.entities import Entity
from tests.applied_action import applied

# The first run loads lists and schemas, and other processes share the machine.
UNTIMED = settings(deadline=None)

GUARDS = [
    Guard(type="string", max_length=5),
    Guard(type="word", pattern="[a-z0-9_.-]+"),
    Guard(type="integer", minimum=0, maximum=1000),
    Guard(type="number"),
    Guard(type="boolean"),
    Guard(type="list", max_items=3, max_length=3),
]
GENERALIZING: list[ActionSpec] = [
    IpPrefix(),
    Country(),
    Region(),
    UrlTemplate(),
    UrlPath(),
    BrowserFamily(),
    EmailDomainClass(),
    YearBand(),
    NumberBucket(),
    TimeUnit(),
    Language(),
    ScreenBucket(),
]
ALL: list[ActionSpec] = [
    *GENERALIZING,
    *(Keep(guard=guard) for guard in GUARDS),
    Pseudonymize(),
    Scrub(),
    Mask(pattern="[0-9]{8,}", keep_last=4),
]

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(-(10**400), 10**400)
    | st.floats()
    | st.text(st.characters())  # half surrogate pairs included, which decode would refuse
)
JSON = st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=8)
NEARLY = st.sampled_from(
    [
        "https://example.org:8080/docs/a?utm_source=x&utm_term=%41#y",
        "//[2001:db8::1]:80/docs",
        "https://xn--bcher-kva.example/users/ana",
        "ana@example.org",
        "203.0.113.7",
        "2001:db8::7",
        "2026-10-03T12:34:56.789+02:00",
        "1984-05-02",
        "pt-BR",
        "Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0",
        "Comunidad de Madrid",
        "1234567890123456",
    ]
)


@st.composite
def damaged(draw: st.DrawFn) -> str:
    """Something an action would take, with a piece cut out and another put in."""
    text = draw(NEARLY)
    start = draw(st.integers(0, len(text)))
    end = draw(st.integers(start, min(len(text), start + 3)))
    return text[:start] + draw(st.text(st.characters(), max_size=3)) + text[end:]


@pytest.mark.parametrize("spec", ALL, ids=str)
@UNTIMED
@given(value=JSON | damaged() | NEARLY)
@example(value="\ud800")
@example(value="https://example.org/\udfff")
@example(value=float("nan"))
@example(value=10**400)
def test_no_value_raises_and_the_result_is_the_same_again(spec: ActionSpec, value: JsonValue) -> None:
    first = applied(spec, value)
    assert first == applied(spec, value)
    if first.result is not REFUSED:
        json.dumps(first.result, allow_nan=False)


LOCAL_PARTS = st.from_regex(r"[a-z]{3,8}\.[a-z]{3,8}[0-9]{0,3}", fullmatch=True)
EMAILS = st.builds("{}@{}.example".format, LOCAL_PARTS, st.from_regex(r"[a-z]{4,9}", fullmatch=True))
ADDRESSES = st.ip_addresses().filter(lambda address: int(address) > 2**17).map(str)
TOKENS = st.from_regex(r"[A-Za-z0-9_-]{0,10}[0-9][A-Za-z0-9_-]{8,20}", fullmatch=True)
SECRETS = EMAILS | ADDRESSES | TOKENS | st.uuids().map(str)


@pytest.mark.parametrize("spec", [*GENERALIZING, Pseudonymize()], ids=str)
@UNTIMED
@given(secret=EMAILS | TOKENS | st.uuids().map(str))
def test_no_action_but_keep_and_scrub_lets_its_value_through(spec: ActionSpec, secret: str) -> None:
    assert secret.casefold() not in str(applied(spec, secret).result).casefold()


@UNTIMED
@given(ADDRESSES)
def test_an_address_keeps_its_network_alone(address: str) -> None:
    result = applied(IpPrefix(), address).result
    assert result is not REFUSED
    assert result != address or address.endswith((".0", "::"))


WHERE = st.sampled_from(
    [
        "https://{}@example.org/docs",
        "https://user:{}@example.org/docs",
        "https://example.org/docs/{}",
        "https://example.org/docs/{}/edit",
        "https://example.org/docs;id={}/edit",
        "https://example.org/docs/x,{}",
        "https://example.org/docs?q={}",
        "https://example.org/docs?utm_nothing={}",
        "https://example.org/docs#{}",
        "https://example.org\\docs\\{}",
        "//example.org/{}?x",
        "/docs/{}",
        "/users/{}",
    ]
)
AS = st.sampled_from([str, quote, lambda text: quote(quote(text)), lambda text: quote(text, safe="")])


@UNTIMED
@given(secret=SECRETS, where=WHERE, encoded=AS)
def test_no_url_takes_a_secret_along(secret: str, where: str, encoded: "type[str]") -> None:
    url = where.format(encoded(secret))
    for spec in (UrlTemplate(), UrlPath()):
        result = str(applied(spec, url).result).casefold()
        assert secret.casefold() not in result
        assert encoded(secret).casefold() not in result


@UNTIMED
@given(secret=SECRETS, label=st.booleans())
def test_no_host_takes_a_secret_along(secret: str, label: bool) -> None:
    host = f"{secret}.example.org" if label else secret
    result = str(applied(UrlTemplate(), f"https://{host}/docs").result)
    assert secret.casefold() not in result.casefold().replace("https://", "").replace("example.org", "")


AGENTS = st.lists(
    st.sampled_from(
        ["Mozilla/5.0", "(X11; Linux x86_64)", "Version/18.4", "Mobile", "Firefox/", "Chrome/", "Bot"]
    )
    | st.text(max_size=8)
    | st.builds("{}/{}".format, LOCAL_PARTS, st.integers(0, 10**12))
).map(" ".join)


@UNTIMED
@given(AGENTS)
def test_of_a_user_agent_only_words_of_the_lists_go_out(agent: str) -> None:
    result = applied(BrowserFamily(), agent).result
    if isinstance(result, dict):
        assert result["browser"] in {*word_list("browsers.txt"), "Other"}
        assert result["os"] in {*word_list("operating_systems.txt"), "Other"}
        version = result.get("browser_version", "0")
        assert isinstance(version, str)
        assert 0 <= int(version) <= 999


@UNTIMED
@given(
    st.lists(st.tuples(st.text(max_size=10), st.from_regex(r"[\x01-\x08]{3,6}", fullmatch=True)), max_size=5),
    st.lists(st.sampled_from(list(Entity)), min_size=5, max_size=5),
    st.sets(st.sampled_from(list(Entity))),
)
def test_scrub_takes_every_span_out_and_nothing_else(
    pieces: list[tuple[str, str]], entities: list[Entity], pseudonymized: set[Entity]
) -> None:
    text, spans = "", []
    for (harmless, secret), entity in zip(pieces, entities, strict=False):
        text += harmless + "|"
        spans.append(Span(len(text), len(text) + len(secret), entity, 0.9, "test"))
        text += secret + "|"
    spec = Scrub(pseudonymize=frozenset(pseudonymized))
    scrubbed = applied(spec, text, findings={text: tuple(spans)})
    assert isinstance(scrubbed.result, str)
    assert sum(scrubbed.entities.values()) == len(spans)
    rest = scrubbed.result
    for (harmless, secret), span in zip(pieces, spans, strict=True):
        start = harmless + "|<" + span.entity
        assert rest.startswith(start)
        replacement, _, rest = rest.removeprefix(start).partition(">|")
        assert replacement == "" or replacement.removeprefix(":") in scrubbed.generated
        assert bool(replacement) == (span.entity in pseudonymized)
        assert secret not in replacement
    assert rest == ""
