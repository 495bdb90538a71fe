"""Names and numbers said aloud: letters one by one, digits as words."""

import re
from collections.abc import Iterator
from itertools import pairwise
from typing import ClassVar, Final

from service.detection.phrases import Phrases
from service.detection.recognizers.rule import Found, RuleRecognizer
from service.detection.scan import Scan
from service.detection.word_lists import word_list
from service.detection.words import Word
from service.policy.entities import Entity

#: The same sign between all letters: `k r z y s z t o f`, `T-O-M`.
_LETTERS: Final = re.compile(r"(?<![\w'])[^\W\d_](?P<gap> |-|\.|, ?)[^\W\d_](?:(?P=gap)[^\W\d_])+(?![\w'])")
_CUES: Final = Phrases(word_list("spelled_out", "cues"))
_DIGITS: Final = frozenset(word_list("spelled_out", "digits"))
_GAP: Final = re.compile(r"[ ,.-]{1,3}")
#: How far after a cue the letters may begin, in characters.
_REACH: Final = 25
_FEWEST_LETTERS, _FEWEST_AFTER_CUE = 6, 3
#: The shortest phone numbers.
_FEWEST_DIGITS: Final = 7


class SpelledOutRecognizer(RuleRecognizer):
    """Finds what is spelled, as in transcripts of calls."""

    entities: ClassVar = (Entity.PERSON, Entity.PHONE_NUMBER)

    def find(self, scan: Scan) -> Iterator[Found]:
        """Runs of single letters, shorter ones after a word like `spelled`; runs of seven digits' words."""
        cues = [scan.words[last].end for _, last in _CUES.find(scan)]
        for match in _LETTERS.finditer(scan.text):
            letters = [char for char in match[0] if char.isalpha()]
            cued = any(0 <= match.start() - end <= _REACH for end in cues)
            if len(letters) >= (_FEWEST_AFTER_CUE if cued else _FEWEST_LETTERS) and not _alphabet(letters):
                yield Found(*match.span(), Entity.PERSON, 0.6)
        if not scan.keys.isdisjoint(_DIGITS):
            yield from self._numbers(scan)

    @staticmethod
    def _numbers(scan: Scan) -> Iterator[Found]:
        run: list[Word] = []
        for word in (*scan.words, None):
            joined = word and (not run or _GAP.fullmatch(scan.text, run[-1].end, word.start))
            if word and word.key in _DIGITS and joined:
                run.append(word)
                continue
            if len(run) >= _FEWEST_DIGITS:
                yield Found(run[0].start, run[-1].end, Entity.PHONE_NUMBER, 0.7)
            run = [word] if word and word.key in _DIGITS else []


def _alphabet(letters: list[str]) -> bool:
    """Whether they only count up: `a b c d e f`."""
    return all(ord(right) - ord(left) == 1 for left, right in pairwise(letters))
