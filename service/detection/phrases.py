"""Labels and other set phrases, found among the words of a text: `date of birth`, `dateOfBirth`, `D.O.B.`."""

import re
from collections.abc import Iterable, Iterator
from typing import Final

from service.detection.lexicon import word_key
from service.detection.scan import Scan
from service.detection.words import WORD, Word

_GAP: Final = re.compile(r"(?:'s?(?= ))?[ \t._/'-]{0,2}")
#: Of a phrase's words, as `split_words` leaves it out of a text's: `driver's license`.
_GENITIVE: Final = re.compile(r"(?<=..)'s?(?= )")


class Phrases:
    """A set of phrases of one or more words, in any case, with or without accents."""

    def __init__(self, phrases: Iterable[str]) -> None:
        """The phrases as plain words."""
        self._by_first: dict[str, list[tuple[str, ...]]] = {}
        for phrase in phrases:
            keys = tuple(word_key(match[0]) for match in WORD.finditer(_GENITIVE.sub("", phrase)))
            self._by_first.setdefault(keys[0], []).append(keys)
        for candidates in self._by_first.values():
            candidates.sort(key=lambda keys: (-len(keys), keys))

    def find(self, scan: Scan) -> Iterator[tuple[int, int]]:
        """First and last word of each occurrence, the longest where several begin at one word."""
        if scan.keys.isdisjoint(self._by_first):  # most texts hold no such word
            return
        for index, word in enumerate(scan.words):
            for keys in self._by_first.get(word.key, ()):
                if self._stands(keys, scan.text, scan.words, index):
                    yield index, index + len(keys) - 1
                    break

    @staticmethod
    def _stands(keys: tuple[str, ...], text: str, words: list[Word], index: int) -> bool:
        for offset in range(1, len(keys)):
            if (
                index + offset >= len(words)
                or words[index + offset].key != keys[offset]
                or not _GAP.fullmatch(text, words[index + offset - 1].end, words[index + offset].start)
            ):
                return False
        return True
