"""Handles and profile addresses of social networks."""

import re
from collections.abc import Iterator
from typing import ClassVar, Final

from service.detection.phrases import Phrases
from service.detection.recognizers.rule import Found, RuleRecognizer
from service.detection.scan import Scan
from service.detection.word_lists import word_list
from service.policy.entities import Entity

_HANDLE: Final = re.compile(r"(?<![\w@./=:-])@(?P<name>[A-Za-z_][\w.]{1,38}[\w])(?![\w@/])(?!\.\w)")
_PROFILE: Final = re.compile(
    r"(?:twitter\.com|\bx\.com|instagram\.com|facebook\.com|\bfb\.com|\bfb\.me|"
    r"linkedin\.com/in|linkedin\.com/pub|github\.com|gitlab\.com|t\.me|tiktok\.com|"
    r"threads\.net|bsky\.app/profile|mastodon\.\w+|"
    r"youtube\.com|reddit\.com/u(?:ser)?|medium\.com|vk\.com|weibo\.com|xing\.com/profile|"
    r"wa\.me|snapchat\.com/add|discord\.com/users|keybase\.io|dribbble\.com|behance\.net)/@?"
    r"(?P<name>[\w.%+-]{2,64})",
    re.IGNORECASE,
)
_LABELS: Final = Phrases(word_list("social_handle", "labels"))
_LABELLED: Final = re.compile(
    r"(?: (?:handle|id|user|username|account|name|me|as|on))*(?: ?[:=：] ?| is | ist | est |"
    r" es | é | (?=@)|(?<=id) |(?<=handle) )[\"'\\]{0,2}(?P<at>@?)"
    r"(?P<name>[A-Za-z_\d][\w.#-]{2,39})",
    re.IGNORECASE,
)
_UNSPACED: Final = re.compile(
    r"(?:微信号?|用户名|ユーザー名|아이디)[:：は ]{0,3}@?(?P<name>[A-Za-z_\d][\w.#-]{2,39})"
)
#: Names of scopes, decorators and places, not of people.
_NO_HANDLE: Final = frozenset(word_list("social_handle", "no_handle"))


class SocialHandleRecognizer(RuleRecognizer):
    """Finds handles."""

    entities: ClassVar = (Entity.SOCIAL_HANDLE,)

    def find(self, scan: Scan) -> Iterator[Found]:
        """`@name`, the name in a profile's address, or after a network's name."""
        text, words = scan.text, scan.words
        if "@" in text:
            for match in _HANDLE.finditer(text):
                if match["name"].casefold() not in _NO_HANDLE:
                    yield Found(*match.span(), Entity.SOCIAL_HANDLE, 0.7)
        if "/" in text:
            for match in _PROFILE.finditer(text):
                if match["name"].casefold() not in _NO_HANDLE:
                    yield Found(*match.span("name"), Entity.SOCIAL_HANDLE, 0.8)
        for _, last in _LABELS.find(scan):
            labelled = _LABELLED.match(text, words[last].end)
            if labelled:
                name = labelled["name"].rstrip(".")
                if labelled["at"] or any(char.isdigit() or char in "._#-" for char in name):
                    yield Found(
                        labelled.start("name"), labelled.start("name") + len(name), Entity.SOCIAL_HANDLE, 0.7
                    )
        if not scan.ascii:
            for match in _UNSPACED.finditer(text):
                yield Found(*match.span("name"), Entity.SOCIAL_HANDLE, 0.7)
