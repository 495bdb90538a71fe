"""The essence of a URL stands for it: whatever is remembered under it holds for the URL itself."""

from hypothesis import example, given
from hypothesis import strategies as st

from service.actions.url_parts import essence, take_apart

SEGMENTS = st.sampled_from(
    [
        "users",
        "u",
        "settings",
        "profile",
        "ana",
        "42",
        "proj_33b6a283-86ce",
        "a;jsessionid=1",
        ";j=1",
        "word.zip",
        "",
        ".",
        "..",
        "resetPassword",
        "v2",
        "a%20b",
        ":id",
        "é",
        "index.html",
        "x" * 70,
        "grace",
        "Ana-Lima",
        "a b",
    ]
)
HOSTS = st.sampled_from(
    [
        "console.example.com",
        "www.example.co.uk",
        "EXAMPLE.org",
        "ana-laptop.local",
        "github.com",
        "192.0.2.7",
        "[2001:db8::1]",
        "example.com.",
        "1234567890.example.org",
        "xn--mller-kva.example",
        "localhost",
        "a..b",
        "",
        "ana@example.org",
        "user:secret@example.org",
    ]
)
TAILS = st.sampled_from(
    [
        "",
        "#top",
        "#access_token=eyJ",
        "?q=ana@example.org",
        "?utm_source=a+b&x=1&utm_medium=%41#f",
        "?utm_",
        "?",
        "?x=1?utm_source=y",
        "#?utm_source=z",
        "?utm_source=a&utm_source=b",
        "\x07",
        "?\n",
        " ",
        "?utm_x=1",
    ]
)


@st.composite
def urls(draw: st.DrawFn) -> str:
    scheme = draw(st.sampled_from(["https://", "HTTP://", "//", "", "ftp://", "https:\\\\", " https://"]))
    host = draw(HOSTS) if scheme else ""
    port = draw(st.sampled_from(["", ":443", ":", ":99999"])) if host else ""
    path = "".join(
        draw(st.sampled_from(["/", "/", "\\"])) + draw(SEGMENTS) for _ in range(draw(st.integers(0, 5)))
    )
    return scheme + host + port + path + draw(TAILS)


@given(urls() | st.text() | st.text("/:.?#&=%@ab1;\\ "))
@example("https://example.org/users/:id/x?y#z")
@example("//:id/x")
def test_a_urls_essence_has_its_parts(url: str) -> None:
    assert take_apart(essence(url)) == take_apart(url)


def test_what_becomes_an_id_is_not_in_the_essence() -> None:
    one, other = (f"https://app.example.com/users/{number}/keys?q={number}#t" for number in (1234, 5678))
    assert essence(one) == essence(other) == "https://app.example.com/users/:id/keys"
