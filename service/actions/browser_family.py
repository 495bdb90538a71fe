"""browser_family: browser, its major version and the operating system, from a user agent.

Anybody can write anything into a user agent, and for many browsers ua-parser takes the family from the text
itself. So only families on our own lists go out; every other one is `Other`.
"""

from functools import cache
from typing import Final

from ua_parser import (
    BestAvailableResolver,
    Cache,
    CachingResolver,
    Domain,
    Resolver,
    load_lazy_builtins,
)

from service.actions.action import REFUSED, Action, ActionContext, RefusedType
from service.actions.word_list import word_list
from service.events.json_value import JsonValue

#: Characters of a user agent that are looked at; real ones have fewer than 500.
_LONGEST: Final = 1024
_CACHED_AGENTS: Final = 2000
_OTHER: Final = "Other"


class BrowserFamilyAction(Action):
    """`{"browser": "Firefox", "browser_version": "143", "os": "Linux"}`; refused where both are unknown."""

    closed = True

    def __init__(self) -> None:
        self._parse = _resolver()
        self._browsers = word_list("browsers.txt")
        self._systems = word_list("operating_systems.txt")

    def apply(self, value: JsonValue, context: ActionContext) -> JsonValue | RefusedType:  # noqa: ARG002
        if not isinstance(value, str) or not 0 < len(value) <= _LONGEST or not value.isprintable():
            return REFUSED
        parsed = self._parse(value, Domain.USER_AGENT | Domain.OS)
        browser = parsed.user_agent.family if parsed.user_agent else _OTHER
        system = parsed.os.family if parsed.os else _OTHER
        result: dict[str, JsonValue] = {"browser": browser if browser in self._browsers else _OTHER}
        major = parsed.user_agent.major if parsed.user_agent else None
        if browser in self._browsers and major and _is_version(major):
            result["browser_version"] = major
        result["os"] = system if system in self._systems else _OTHER
        return REFUSED if result["browser"] == result["os"] == _OTHER else result


def _is_version(major: str) -> bool:
    # Three digits at most: a longer number is somebody's, not a browser's.
    return len(major) <= len("999") and major.isascii() and major.isdigit()


@cache
def _resolver() -> Resolver:
    return CachingResolver(BestAvailableResolver(load_lazy_builtins()), Cache(_CACHED_AGENTS))
