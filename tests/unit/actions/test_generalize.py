"""The generalizing actions, one table each: what goes in, what comes out, what is refused."""

import pytest

from service.actions.action import REFUSED
from service.events.json_value import JsonValue
from service.policy.action_specs import (
    Country,
    EmailDomainClass,
    IpPrefix,
    Language,
    Mask,
    NumberBucket,
    Region,
    ScreenBucket,
    TimeUnit,
    YearBand,
)
from tests.applied_action import applied


@pytest.mark.parametrize(
    ("spec", "value", "prefix"),
    [
        (IpPrefix(), "203.0.113.77", "203.0.113.0"),
        (IpPrefix(v4=16), "203.0.113.77", "203.0.0.0"),
        (IpPrefix(v4=20), "203.0.113.77", "203.0.112.0"),
        (IpPrefix(), "2001:db8:1:2:3::4", "2001:db8:1::"),
        (IpPrefix(v6=32), "2001:DB8:1:2:3::4", "2001:db8::"),
        (IpPrefix(), "::1", "::"),
        (IpPrefix(), "::ffff:203.0.113.77", "203.0.113.0"),
        (IpPrefix(), "::ffff:cb00:714d", "203.0.113.0"),
        (IpPrefix(), "2002:cb00:714d::1", "203.0.113.0"),
    ],
)
def test_ip_prefix(spec: IpPrefix, value: str, prefix: str) -> None:
    assert applied(spec, value).result == prefix


@pytest.mark.parametrize(
    "value",
    [
        "",
        "203.0.113",
        "203.0.113.256",
        "203.0.113.077",
        "203.0.113.77:8080",
        "203.0.113.0/24",
        " 203.0.113.77",
        "203.0.113.77, 198.51.100.1",
        "[2001:db8::1]",
        "fe80::1%eth0",
        "fe80::1%ana-laptop",
        "\N{FULLWIDTH DIGIT TWO}03.0.113.77",
        "localhost",
        3405803853,
        True,
        ["203.0.113.77"],
        None,
    ],
)
def test_ip_prefix_refuses(value: JsonValue) -> None:
    assert applied(IpPrefix(), value).result is REFUSED


@pytest.mark.parametrize(
    ("value", "code"),
    [
        ("DE", "DE"),
        ("de", "DE"),
        ("DEU", "DE"),
        ("Germany", "DE"),
        ("GERMANY ", "DE"),
        ("United  States", "US"),
        ("USA", "US"),
        ("uk", "GB"),
        ("Türkiye", "TR"),
        ("Turkey", "TR"),
        ("Cote d'Ivoire", "CI"),
        ("South Korea", "KR"),
        ("Russia", "RU"),
        ("Bolivia", "BO"),
    ],
)
def test_country(value: str, code: str) -> None:
    assert applied(Country(), value).result == code


@pytest.mark.parametrize("value", ["", "XX", "Ana Lima", "DE; user=ana", "Atlantis", 276, None, ["DE"], True])
def test_country_refuses(value: JsonValue) -> None:
    assert applied(Country(), value).result is REFUSED


@pytest.mark.parametrize(
    ("value", "region"),
    [
        ("BR-SP", "BR-SP"),
        ("br-sp", "BR-SP"),
        ("SP", "SP"),
        ("São Paulo", "São Paulo"),
        ("sao paulo", "São Paulo"),
        ("California", "California"),
        ("CA", "CA"),
        ("Bayern", "Bayern"),
        ("Bavaria", "Bavaria"),
        ("Île-de-France", "Île-de-France"),
        ("Cataluña", "Cataluña"),
        ("Comunidad de Madrid", "Comunidad de Madrid"),
    ],
)
def test_region(value: str, region: str) -> None:
    assert applied(Region(), value).result == region


@pytest.mark.parametrize(
    "value", ["", "Ana Lima", "California, 12 Elm Street", "CA 94110", "94110", 6, None, ["CA"], "x" * 10_000]
)
def test_region_refuses(value: JsonValue) -> None:
    assert applied(Region(), value).result is REFUSED


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ("ana@gmail.com", "free-mail"),
        ("Ana.Lima+x@GMAIL.COM", "free-mail"),
        ("ana@mail.gmx.net", "free-mail"),
        ("ana@\N{FULLWIDTH LATIN SMALL LETTER G}mail.com", "free-mail"),
        ("ana@gmail\N{IDEOGRAPHIC FULL STOP}com", "free-mail"),
        ("ana@cs.stanford.edu", "education"),
        ("ana@ox.ac.uk", "education"),
        ("ana@students.unimelb.edu.au", "education"),
        ("ana@tum.de", "education"),
        ("ana@nasa.gov", "government"),
        ("ana@army.mil", "government"),
        ("ana@interieur.gouv.fr", "government"),
        ("ana@sat.gob.mx", "government"),
        ("ana@service.gov.uk", "government"),
        ("ana@mailinator.com", "disposable"),
        ("ana@example.org", "company"),
        ("ana@example.de", "company"),
        ("ana@host.internal", "company"),
        ("ana@bücher.example", "company"),
        ("ana@xn--bcher-kva.example", "company"),
        ("ana@notgmail.com", "company"),
        ("ana@gmail.com.example.org", "company"),
        ("ána@example.org", "company"),
    ],
)
def test_email_domain_class(value: str, kind: str) -> None:
    assert applied(EmailDomainClass(), value).result == kind


@pytest.mark.parametrize(
    "value",
    [
        "",
        "ana",
        "@example.org",
        "ana@",
        "ana@example",
        "ana@localhost",
        "ana@-example.org",
        "ana@exa mple.org",
        "ana@example..org",
        "ana@example.org.",
        "ana@example.123",
        "ana@[192.0.2.1]",
        "ana@b@example.org",
        "Ana <ana@example.org>",
        "ana@example.org, bo@example.org",
        "mailto:ana@example.org?x",
        "a" * 65 + "@example.org",
        "ana@" + "a." * 130 + "org",
        17,
        True,
        None,
        ["ana@example.org"],
    ],
)
def test_email_domain_class_refuses(value: JsonValue) -> None:
    assert applied(EmailDomainClass(), value).result is REFUSED


@pytest.mark.parametrize(
    ("spec", "value", "band"),
    [
        (YearBand(), "1984-05-02", "1980-1989"),
        (YearBand(), "1984-05-02T00:00:00Z", "1980-1989"),
        (YearBand(), "1984-05", "1980-1989"),
        (YearBand(), "1984", "1980-1989"),
        (YearBand(), 1989, "1980-1989"),
        (YearBand(), 1990.0, "1990-1999"),
        (YearBand(years=5), 1984, "1980-1984"),
        (YearBand(years=50), 1984, "1950-1999"),
        (YearBand(), 1930, "1930-1939"),
        (YearBand(), 1929, "before 1930"),
        (YearBand(), 1901, "before 1930"),
        (YearBand(years=50), 1935, "1930-1949"),
        (YearBand(), 34, "30-39"),
        (YearBand(), "34", "30-39"),
        (YearBand(), 0, "0-9"),
        (YearBand(), 89, "80-89"),
        (YearBand(), 90, "90+"),
        (YearBand(), 117, "90+"),
        (YearBand(years=25), 80, "75-89"),
    ],
)
def test_year_band(spec: YearBand, value: JsonValue, band: str) -> None:
    assert applied(spec, value).result == band


@pytest.mark.parametrize(
    "value",
    [
        "",
        "thirty-four",
        "02/05/1984",
        "05-02-1984",
        "2 May 1984",
        "1984-13-01",
        "1984-02-30",
        "1984-05-02 Ana",
        "0034-01-01",
        "\N{ARABIC-INDIC DIGIT THREE}4",
        " 34",
        -1,
        131,
        1879,
        2101,
        34.5,
        float("nan"),
        10**400,
        452_304_000,
        True,
        None,
        [1984],
        {},
    ],
)
def test_year_band_refuses(value: JsonValue) -> None:
    assert applied(YearBand(), value).result is REFUSED


@pytest.mark.parametrize(
    ("value", "bucket"),
    [
        (-5, "<1"),
        (0, "<1"),
        (1, "1-10"),
        (10, "1-10"),
        (11, "11-50"),
        (50.5, "11-50"),
        ("37", "11-50"),
        (200, "51-200"),
        (1000, "201-1000"),
        (1001, "1001+"),
        (2**63, "1001+"),
    ],
)
def test_number_bucket(value: JsonValue, bucket: str) -> None:
    assert applied(NumberBucket(), value).result == bucket


def test_number_bucket_of_one_number() -> None:
    assert applied(NumberBucket(bounds=(1, 2, 5)), 1).result == "1"


@pytest.mark.parametrize(
    "value",
    ["", "many", "11-50", "1,000", "-3", "9" * 30, float("inf"), float("nan"), 10**400, True, None, [3]],
)
def test_number_bucket_refuses(value: JsonValue) -> None:
    assert applied(NumberBucket(), value).result is REFUSED


@pytest.mark.parametrize(
    ("spec", "cut"),
    [
        (TimeUnit(), "2026-10-03T10:34:56Z"),
        (TimeUnit(unit="minute"), "2026-10-03T10:34:00Z"),
        (TimeUnit(unit="hour"), "2026-10-03T10:00:00Z"),
        (TimeUnit(unit="day"), "2026-10-03T00:00:00Z"),
    ],
)
def test_time_unit(spec: TimeUnit, cut: str) -> None:
    assert applied(spec, "2026-10-03T12:34:56.789+02:00").result == cut


def test_time_unit_before_1970() -> None:
    assert applied(TimeUnit(unit="hour"), "1969-12-31T23:59:59.9Z").result == "1969-12-31T23:00:00Z"


@pytest.mark.parametrize(
    "value",
    ["", "now", "2026-10-03", "2026-10-03T12:34:56", "2026-10-03T25:00:00Z", 1_791_021_600, None, [], True],
)
def test_time_unit_refuses(value: JsonValue) -> None:
    assert applied(TimeUnit(), value).result is REFUSED


@pytest.mark.parametrize(
    ("value", "language"),
    [("pt-BR", "pt"), ("en", "en"), ("EN_us", "en"), ("zh-Hant-TW", "zh"), ("en-analima", "en")],
)
def test_language(value: str, language: str) -> None:
    assert applied(Language(), value).result == language


@pytest.mark.parametrize(
    "value",
    ["", "xx", "ana", "English", "en-", "en US", "Ana Lima", "e\N{COMBINING ACUTE ACCENT}n", 7, None, ["en"]],
)
def test_language_refuses(value: JsonValue) -> None:
    assert applied(Language(), value).result is REFUSED


@pytest.mark.parametrize(
    ("spec", "value", "bucket"),
    [
        (ScreenBucket(), 1366, 1300),
        (ScreenBucket(), 390.5, 300),
        (ScreenBucket(), 1920.0, 1900),
        (ScreenBucket(), 40, 0),
        (ScreenBucket(step=250), 1366, 1250),
    ],
)
def test_screen_bucket(spec: ScreenBucket, value: JsonValue, bucket: int) -> None:
    assert applied(spec, value).result == bucket


@pytest.mark.parametrize(
    "value",
    [0, -100, 5551234567, float("nan"), float("inf"), 10**400, "1366", "1366x768", True, None, [1366]],
)
def test_screen_bucket_refuses(value: JsonValue) -> None:
    assert applied(ScreenBucket(), value).result is REFUSED


MASK = Mask(pattern="[0-9]{4,16}", keep_last=4)


def test_mask() -> None:
    assert applied(MASK, "1234567890123456").result == "************3456"
    assert applied(MASK, "12345678").result == "****5678"


@pytest.mark.parametrize(
    "value",
    [
        "",
        "1234",
        "1234567",
        "1234567890123456x",
        "12345678\n",
        "x12345678",
        12345678,
        True,
        None,
        ["12345678"],
    ],
)
def test_mask_refuses(value: JsonValue) -> None:
    assert applied(MASK, value).result is REFUSED
