"""Texts as people type them into social media: other case, slips, slang, hashtags, emoji. Labels are kept."""

import re
from collections.abc import Callable
from random import Random
from typing import Final

from service.bench.detection.labelled import Part
from service.policy.entities import Entity

#: Entities whose value is no longer valid when a letter or its case changes.
_EXACT: Final = frozenset({Entity.SECRET, Entity.PASSWORD, Entity.ENCODED, Entity.CRYPTO_WALLET})
_SLANG: Final = {
    "you": "u", "your": "ur", "are": "r", "for": "4", "to": "2", "please": "plz", "thanks": "thx",
    "because": "cuz", "going": "goin", "tonight": "2nite", "people": "ppl", "and": "n", "be": "b",
    "love": "luv", "really": "rly", "before": "b4", "great": "gr8", "with": "w/", "about": "abt",
    "what": "wat", "the": "da", "this": "dis",
}  # fmt: skip
_TAGS: Final = ("#blessed", "#fail", "#tbt", "#MondayMood", "#nofilter", "#LiveMusic", "#smh", "#winning")
_EMOJI: Final = ("😂", "🔥🔥", "😭", "❤️", "🙏", "😍😍", "🎉", "👀")
_OPENINGS: Final = ("RT ", "lol ", "omg ", "ugh ", "yo ", "haha ", "wtf ")
_WORD: Final = re.compile(r"[^\W\d_]+")


def noisy(parts: tuple[Part, ...], random: Random) -> tuple[Part, ...]:
    """The same text as a careless person would send it."""
    words = [_in_words(part, random) for part in parts]
    case = random.choices(_CASES, (4, 2, 3))[0]
    cased = [part if part.entity in _EXACT else part._replace(text=case(part.text)) for part in words]
    opening = random.choice(_OPENINGS) if random.randrange(4) == 0 else ""
    closing = "".join(f" {random.choice(choices)}" for choices in (_TAGS, _EMOJI) if random.randrange(3) == 0)
    return (Part(case(opening)), *cased, Part(closing))


_CASES: Final[tuple[Callable[[str], str], ...]] = (str.lower, str.upper, str)


def _in_words(part: Part, random: Random) -> Part:
    """Slang, slips and less punctuation, in what is nobody's."""
    if part.entity is not None or not part.judged:
        return part
    text = _WORD.sub(lambda match: _typed(match[0], random), part.text)
    if random.randrange(2):
        text = re.sub(r"[.,;:'\"]", "", text)
    return part._replace(text=text)


def _typed(word: str, random: Random) -> str:
    if word.lower() in _SLANG and random.randrange(2):
        return _SLANG[word.lower()]
    if len(word) > 3 and random.randrange(10) == 0:  # noqa: PLR2004
        place = random.randrange(1, len(word) - 1)
        match random.randrange(3):
            case 0:
                return word[:place] + word[place + 1] + word[place] + word[place + 2 :]
            case 1:
                return word[:place] + word[place + 1 :]
            case _:
                return word[:place] + word[place] * 3 + word[place + 1 :]
    return word
