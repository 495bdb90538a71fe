import pytest

from service.events.json_value import JsonObject, JsonValue
from service.events.paths import MISSING, MissingType, lookup, parse_path

BODY: JsonObject = {"userId": None, "context": {"page": {"url": "/docs"}, "list": [{"a": 1}], "a.b": 2}}


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("userId", None),
        ("context.page", {"url": "/docs"}),
        ("context.page.url", "/docs"),
        ("anonymousId", MISSING),
        ("userId.x", MISSING),
        ("context.page.url.x", MISSING),
        # Neither into an array nor through a key that holds a dot.
        ("context.list.0", MISSING),
        ("context.list.a", MISSING),
        ("context.a.b", MISSING),
    ],
)
def test_lookup(path: str, value: JsonValue | MissingType) -> None:
    assert lookup(BODY, parse_path(path)) == value


def test_parse_path() -> None:
    assert parse_path("context.page.url") == ("context", "page", "url")


@pytest.mark.parametrize("path", ["", ".", "a.", ".a", "a..b"])
def test_parse_path_refuses_empty_parts(path: str) -> None:
    with pytest.raises(ValueError, match="is not a field path"):
        parse_path(path)


def test_missing_has_a_name() -> None:
    assert repr(MISSING) == "MISSING"
