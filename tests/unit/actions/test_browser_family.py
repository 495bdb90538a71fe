import pytest

from service.actions.action import REFUSED
from service.events.json_value import JsonValue
from service.policy.action_specs import BrowserFamily
from tests.applied_action import applied

SAFARI = "AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.4"
CHROME = "AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0"


@pytest.mark.parametrize(
    ("agent", "browser", "version", "system"),
    [
        ("Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0", "Firefox", "143", "Linux"),
        (f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {CHROME} Safari/537.36", "Chrome", "141", "Windows"),
        (
            f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {CHROME} Safari/537.36 Edg/141.0",
            "Edge",
            "141",
            "Windows",
        ),
        (
            f"Mozilla/5.0 (Linux; Android 15; Pixel 9) {CHROME} Mobile Safari/537.36",
            "Chrome Mobile",
            "141",
            "Android",
        ),
        (
            f"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) {SAFARI} Safari/605.1.15",
            "Safari",
            "18",
            "Mac OS X",
        ),
        (
            f"Mozilla/5.0 (iPhone; CPU iPhone OS 18_4 like Mac OS X) {SAFARI} Mobile/15E148 Safari/604.1",
            "Mobile Safari",
            "18",
            "iOS",
        ),
        ("curl/8.1", "curl", "8", "Other"),
    ],
)
def test_real_agents(agent: str, browser: str, version: str, system: str) -> None:
    assert applied(BrowserFamily(), agent).result == {
        "browser": browser,
        "browser_version": version,
        "os": system,
    }


@pytest.mark.parametrize(
    ("agent", "kept"),
    [
        ("Mozilla/5.0 (X11; Linux x86_64) AnaLima/2.1", {"browser": "Other", "os": "Linux"}),
        ("AnaLima/2.1 CFNetwork/1220.1 Darwin/20.3.0", {"browser": "Other", "os": "iOS"}),
        ("Mozilla/5.0 (compatible; AnaLimaBot/1.0) Linux", {"browser": "Other", "os": "Linux"}),
        ("Mozilla/5.0 (X11; Linux x86_64) Chrome/5551234.0", {"browser": "Chrome", "os": "Linux"}),
        (
            "Mozilla/5.0 (X11; Linux x86_64) Firefox/143.0 contact/ana@example.org",
            {"browser": "Firefox", "browser_version": "143", "os": "Linux"},
        ),
    ],
)
def test_smuggled_text_stays_behind(agent: str, kept: JsonValue) -> None:
    assert applied(BrowserFamily(), agent).result == kept


@pytest.mark.parametrize(
    "value",
    [
        "",
        "Ana Lima",
        "AnaLimaBot/1.0",
        "x" * 2000,
        "Firefox/1 " + "x" * 2000,
        17,
        True,
        None,
        ["Firefox/143"],
        {},
    ],
)
def test_refuses(value: JsonValue) -> None:
    assert applied(BrowserFamily(), value).result is REFUSED
