"""url_template and url_path: what stays of a URL, what becomes :id, what is scanned."""

import pytest

from service.actions.action import REFUSED, ActionContext
from service.actions.registry import build
from service.events.json_value import JsonValue
from service.policy.action_specs import UrlPath, UrlTemplate
from service.policy.entities import Entity
from service.pseudonyms.encodings import alphanumeric
from tests.applied_action import applied, pseudonymizer, rule, spans, texts


@pytest.mark.parametrize(
    ("url", "template"),
    [
        ("https://example.org", "https://example.org"),
        ("HTTPS://Example.ORG/Docs", "https://example.org/Docs"),
        ("https://example.org/", "https://example.org/"),
        ("http://example.org:8080/docs/", "http://example.org:8080/docs/"),
        ("//cdn.example.org/assets", "//cdn.example.org/assets"),
        ("/docs/guides/streaming", "/docs/guides/streaming"),
        (" https://example.org/docs ", "https://example.org/docs"),
        ("https://example.org\\docs\\api", "https://example.org/docs/api"),
        ("https://example.org/docs/../api/./v1//keys", "https://example.org/docs/../api/./v1//keys"),
        ("https://example.org./docs", "https://example.org/docs"),
        # user-info, fragment and query
        ("https://ana:pass@example.org/docs", "https://example.org/docs"),
        ("https://ana@lima@example.org/docs", "https://example.org/docs"),
        ("https://example.org/docs#access_token=abc", "https://example.org/docs"),
        ("https://example.org/docs?email=ana%40example.org", "https://example.org/docs"),
        ("https://example.org?q=ana", "https://example.org"),
        ("https://example.org#?utm_source=x", "https://example.org"),
        ("/docs?x=1#y", "/docs"),
        # addresses for a host
        ("http://203.0.113.7/docs", "http://:ip/docs"),
        ("http://203.0.113.7:81/docs", "http://:ip:81/docs"),
        ("http://3405803783/docs", "http://:ip/docs"),
        ("http://0xcb.0x00.0x71.0x07/docs", "http://:ip/docs"),
        ("http://[2001:db8::7]:81/docs", "http://:ip:81/docs"),
        ("http://[::ffff:203.0.113.7]/docs", "http://:ip/docs"),
        ("http://\N{FULLWIDTH DIGIT TWO}03.0.113.7/docs", "http://:ip/docs"),
        # international and odd hosts
        ("https://bücher.de/docs", "https://bücher.de/docs"),
        ("https://xn--bcher-kva.de/docs", "https://xn--bcher-kva.de/docs"),
        ("http://localhost:3000/docs", "http://localhost:3000/docs"),
        ("https://usr42.example.org/docs", "https://:id.example.org/docs"),
        ("https://d41d8cd98f00b204.cdn.example.org", "https://:id.cdn.example.org"),
        ("https://ána.example.org", "https://:id.example.org"),
        ("https://7news.co.uk/docs", "https://7news.co.uk/docs"),
        ("https://www.4915112345678.com/docs", "https://www.:id.com/docs"),
        ("https://d41d8cd98f00b204e980.co.uk/docs", "https://:id.co.uk/docs"),
        ("https://co.uk/docs", "https://co.uk/docs"),
        ("https://bücher.local/docs", "https://:id.local/docs"),
    ],
)
def test_the_parts_of_a_url(url: str, template: str) -> None:
    assert applied(UrlTemplate(), url).result == template


@pytest.mark.parametrize(
    "segment",
    [
        "42",
        "0",
        "8ace6bd2-1990-4239-a40b-cf543f67d957",
        "8ACE6BD219904239A40BCF543F67D957",
        "d41d8cd98f00b204e9800998ecf8427e",
        "deadbeefcafe",
        "usr_9f27c1d4e8a0",
        "cus-Nf8a",
        "inv_2026_09",
        "2026-09",
        "ana@example.org",
        "ana%40example.org",
        "%61na",
        "%2561na",
        "Fr%C3%A9d%C3%A9ric%20Lenoir",
        "Frédéric Lenoir",
        "Frédéric",
        "анна",
        "ana lima",
        "ana+lima",
        "ana.lima",
        "~ana",
        "@ana",
        "jdoe42",
        "cmFmYWVsLm51bmV6QGV4YW1wbGUubXg=",
        "5LXpyonqrpj8gzfrA5h9tYSOJ4KbPe5v",
        "kJhGfDsAqWeRtY",
        "XKQWPLMNBV",
        "qwrtpsdf",
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiI0MiJ9.c2ln",
        "sk-live-abc1",
        "+4915112345678",
        "203.0.113.7",
        "a,b",
        "a=b",
        "a:b",
        "x" * 60,
        "<ana>",
        "%",
        "%zz",
        "%ff",
    ],
)
def test_ids_in_the_path(segment: str) -> None:
    assert applied(UrlPath(), f"/docs/{segment}/edit").result == "/docs/:id/edit"
    assert applied(UrlTemplate(), f"https://example.org/{segment}").result == "https://example.org/:id"


@pytest.mark.parametrize(
    "path",
    [
        "/docs/api/chat-completions",
        "/settings/limits",
        "/v1/batches",
        "/api/v2.1/models",
        "/v1beta/models",
        "/index.html",
        "/Reports/Overview",
        "/apiKeys/resetPassword",
        "/sign_in",
        "/FAQ",
        "/users/me/settings",
        "/account/billing",
        "/team/members/invite",
        "/users/",
        "/users",
        "/docs/kubernetes/quickstart",
    ],
)
def test_words_in_the_path(path: str) -> None:
    assert applied(UrlPath(), path).result == path


@pytest.mark.parametrize(
    ("path", "template"),
    [
        ("/users/maria-silva/edit", "/users/:id/edit"),
        ("/Users/maria", "/Users/:id"),
        ("/u/maria/keys", "/u/:id/keys"),
        ("/in/jdoe", "/in/:id"),
        ("/team/sofia/edit", "/team/:id/edit"),
        ("/invite/qwerty/accept", "/invite/:id/accept"),
        ("/projects/apollo/usage", "/projects/:id/usage"),
        ("/s/abcdef", "/s/:id"),
        ("/reset/password/qwerty", "/reset/password/:id"),
        ("/users//maria", "/users//:id"),
        ("/users/./maria", "/users/./:id"),
        ("/users;v=1/maria;x=y/edit;jsessionid=12", "/users/:id/edit"),
    ],
)
def test_one_of_many_is_an_id(path: str, template: str) -> None:
    assert applied(UrlPath(), path).result == template


@pytest.mark.parametrize(
    ("url", "template"),
    [
        ("https://github.com/marias/docs/issues", "https://github.com/:id/docs/issues"),
        ("https://gist.github.com/marias", "https://gist.github.com/:id"),
        ("https://www.facebook.com/maria", "https://www.facebook.com/:id"),
        ("https://github.com/pricing", "https://github.com/pricing"),
        ("https://github.com/", "https://github.com/"),
        ("https://github.com.example.org/lantern", "https://github.com.example.org/lantern"),
    ],
)
def test_where_everybody_has_a_page_the_first_segment_is_an_id(url: str, template: str) -> None:
    assert applied(UrlTemplate(), url).result == template


@pytest.mark.parametrize(
    "segment",
    [
        "jsmith",
        "smith_j",
        "annaschmidt",
        "qzorblatt",
        "maria-silva",
        "grace",
        "will",
        "hope-young",
        "call-maria",
    ],
)
def test_words_of_no_dictionary_and_names_are_ids(segment: str) -> None:
    assert applied(UrlPath(), f"/docs/{segment}/edit").result == "/docs/:id/edit"
    assert applied(UrlTemplate(), f"https://{segment.replace('_', '-')}.example.org/").result == (
        "https://:id.example.org/"
    )


@pytest.mark.parametrize(
    "path", ["/docs/red-button", "/tutorials/getting-started-with-embeddings", "/blog/how-to-call-tools"]
)
def test_a_word_that_is_a_name_as_well_stays_among_others(path: str) -> None:
    assert applied(UrlPath(), path).result == path


@pytest.mark.parametrize("host", ["415-555-2671.com", "192-168-0-44.net", "4155552671.com"])
def test_a_number_is_no_name_of_a_site(host: str) -> None:
    assert applied(UrlTemplate(), f"https://{host}/").result == f"https://:id.{host.rpartition('.')[2]}/"


def test_words_that_could_be_names_are_scanned_as_names_are_written() -> None:
    assert texts(UrlPath(), "/docs/summit-lantern/edit") == ("Summit Lantern",)
    assert texts(UrlPath(), "/docs/summitLantern") == ("Summit Lantern",)
    assert texts(UrlPath(), "/docs/summit_lantern.html") == ("Summit Lantern",)
    assert texts(UrlPath(), "https://summit.example.org/docs") == ()
    assert texts(UrlTemplate(), "https://summit.example.org/docs") == ("Summit", "Example")


def test_a_segment_that_detection_touches_is_an_id() -> None:
    found = {"Summit Lantern": spans("Summit Lantern", [("Lantern", Entity.PERSON)])}
    result = applied(UrlTemplate(), "https://example.org/docs/summit-lantern/edit", findings=found)
    assert result.result == "https://example.org/docs/:id/edit"
    assert result.entities == {Entity.PERSON: 1}
    assert applied(UrlPath(), "/docs/summit-lantern", findings=found).result == "/docs/:id"


def test_letters_behind_punycode_are_scanned() -> None:
    assert texts(UrlTemplate(), "https://xn--mller-kva.de") == ("Müller",)
    assert texts(UrlTemplate(), "https://xn--9999.de") == ("Xn 9999",)


def test_a_host_label_that_detection_touches_is_an_id() -> None:
    found = {"Summit Lantern": spans("Summit Lantern", [("Summit Lantern", Entity.PERSON)])}
    for host in (
        "summit-lantern.github.io",
        "summit-lantern.example.co.uk",
        "summit-lantern.internal",
        "summit-lantern",
    ):
        result = applied(UrlTemplate(), f"https://{host}/docs", findings=found).result
        assert result == f"https://{host.replace('summit-lantern', ':id')}/docs"


@pytest.mark.parametrize("host", ["lima.org", "lima.com", "lima.co.uk"])
def test_a_registered_name_falls_only_to_the_events_own_identity(host: str) -> None:
    person = {"Lima": spans("Lima", [("Lima", Entity.PERSON)])}
    identity = {"Lima": spans("Lima", [("Lima", Entity.IDENTITY)])}
    url = f"https://www.{host}/docs"
    assert applied(UrlTemplate(), url, findings=person).result == url
    suffix = host.partition(".")[2]
    assert applied(UrlTemplate(), url, findings=identity).result == f"https://www.:id.{suffix}/docs"


@pytest.mark.parametrize(
    ("query", "kept"),
    [
        ("utm_source=newsletter&utm_campaign=october", "utm_source=newsletter&utm_campaign=october"),
        ("x=1&utm_source=news&y=2", "utm_source=news"),
        ("utm_source=spring%20sale", "utm_source=spring%20sale"),
        ("utm_source=spring+sale", "utm_source=spring%20sale"),
        ("utm_source=a&utm_source=b", "utm_source=a"),
        ("utm_source=a%26b%3Dc", "utm_source=a%26b%3Dc"),
        ("utm_source=%252561", "utm_source=a"),
        ("utm_source=", ""),
        ("utm_source", ""),
        ("utm_anything=x", ""),
        ("UTM_SOURCE=x", ""),
        ("email=ana%40example.org", ""),
        ("utm_source=%ff", ""),
        ("utm_source=%00", ""),
        ("utm_source=%2525252561", ""),
        ("utm_source=" + "x" * 300, ""),
    ],
)
def test_campaign_parameters(query: str, kept: str) -> None:
    expected = "https://example.org/docs" + ("?" + kept if kept else "")
    assert applied(UrlTemplate(), f"https://example.org/docs?{query}").result == expected
    assert applied(UrlPath(), f"https://example.org/docs?{query}").result == "/docs"


@pytest.mark.parametrize(
    "encoded", ["ana+x@example.org", "ana%2Bx%40example.org", "ana%252Bx%2540example.org"]
)
def test_campaign_values_are_scanned_decoded_and_scrubbed(encoded: str) -> None:
    url = f"https://example.org/?utm_content=for%20{encoded}&utm_source=crm"
    (_, value, _) = texts(UrlTemplate(), url)
    assert value.startswith("for ana")
    found = {value: spans(value, [(value.removeprefix("for "), Entity.EMAIL_ADDRESS)])}
    result = applied(UrlTemplate(), url, findings=found)
    assert result.result == "https://example.org/?utm_content=for%20<EMAIL_ADDRESS>&utm_source=crm"
    assert result.entities == {Entity.EMAIL_ADDRESS: 1}


@pytest.mark.parametrize(
    "value",
    [
        "",
        " ",
        "docs",
        "docs/api",
        "?utm_source=x",
        "#top",
        "example.org/docs",
        "javascript:alert(1)",
        "data:text/plain,ana",
        "mailto:ana@example.org",
        "tel:+4915112345678",
        "file:///home/ana/x",
        "ftp://example.org/docs",
        "android-app://org.example.ana",
        "https:/example.org",
        "https:example.org",
        "https://",
        "https:///docs",
        "https://exa mple.org/docs",
        "https://exa%6dple.org/docs",
        "https://example..org/docs",
        "https://.example.org/docs",
        "https://-example.org/docs",
        "https://example.org:port/docs",
        "https://example.org:99999/docs",
        "https://[2001:db8::7/docs",
        "https://[fe80::1%25eth0]/docs",
        "https://[ana]/docs",
        "https://" + "a." * 200 + "org/docs",
        "https://example.org/do\ncs",
        "https://example.org/do\x00cs",
        "https://example.org/\N{RIGHT-TO-LEFT OVERRIDE}docs",
        "https://example.org/" + "a" * 9000,
        "https://example.org/" + "docs/" * 60,
        17,
        True,
        None,
        ["https://example.org"],
        {"url": "https://example.org"},
    ],
)
def test_refuses(value: JsonValue) -> None:
    assert applied(UrlTemplate(), value).result is REFUSED
    assert applied(UrlPath(), value).result is REFUSED
    assert texts(UrlTemplate(), value) == texts(UrlPath(), value) == ()


def test_the_path_of_a_bare_host_is_the_root() -> None:
    assert applied(UrlPath(), "https://example.org").result == "/"
    assert applied(UrlPath(), "https://example.org?q=x").result == "/"


@pytest.mark.parametrize("spec", [UrlTemplate(), UrlPath()])
def test_what_was_not_scanned_is_refused(spec: UrlTemplate | UrlPath) -> None:
    context = ActionContext(pseudonymizer(), {}, {}, set())
    action = build(rule(spec), lambda _: alphanumeric)
    assert action.apply("https://example.org/docs/summit-lantern", context) is REFUSED
