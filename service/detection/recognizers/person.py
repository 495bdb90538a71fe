"""People's names: the language model's answers and the lists' evidence, weighed against each other."""

import re
from bisect import bisect_left
from collections.abc import Collection, Iterator, Sequence
from functools import cache
from typing import Final

from presidio_analyzer import LocalRecognizer, RecognizerResult
from presidio_analyzer.nlp_engine import NlpArtifacts

from service.detection.lexicon import Commonness, Lexicon, lexicon, word_key
from service.detection.phrases import Phrases
from service.detection.recognizers.rule import Found, presidio_result
from service.detection.scan import Scan
from service.detection.word_lists import word_list
from service.detection.words import Word, word_from
from service.policy.entities import Entity

#: The labels of people in OntoNotes (English) and WikiNER (French).
_PERSON_LABELS: Final = frozenset({"PERSON", "PER"})
_MAX_WORDS: Final = 6
#: An unknown word as short as this may be an abbreviation.
_SHORTEST_UNKNOWN: Final = 3
_TITLES: Final = frozenset(word_list("person", "titles"))

#: What may stand between the words of one name.
_INNER_GAP: Final = re.compile(r" {1,2}'?|[-_+.]|\. ?|\.-|, |")
#: The same, more generously, where a model says that it is a name.
_LINK: Final = re.compile(r"[ \t'’,.&+_-]{0,3}")
#: Months, days and the like: given names that are far more often dates.
_CALENDAR: Final = frozenset(word_list("person", "calendar"))
#: After a single name: then it is the name of a thing.
_THINGS: Final = frozenset(word_list("person", "things"))


#: Before a name, in several languages: somebody introduces herself.
_INTRODUCTIONS: Final = Phrases(word_list("person", "introductions"))
_HONORIFICS: Final = Phrases(word_list("person", "honorifics"))
#: Before a name: somebody is spoken to or of.
_RELATIONS: Final = Phrases(word_list("person", "relations"))
#: The same, and only somebody: products are not spoken to.
_SPOKEN_TO: Final = Phrases(word_list("person", "spoken_to"))
#: Before a colon or an equals sign: what follows is a name.
_LABELS: Final = Phrases(word_list("person", "labels"))
_FAMILY_LABELS: Final = Phrases(word_list("person", "family_labels"))
_VOCATIVES: Final = frozenset(word_list("person", "vocatives"))
_SIGN_OFFS: Final = Phrases(word_list("person", "sign_offs"))
#: Of these, the ones after which hardly anything but a name is capitalized.
_ADDRESSING: Final = frozenset(word_list("person", "addressing"))
_AFTER_INTRODUCTION: Final = re.compile(r"[ \t:,\"'“]{1,4}")
_AFTER_HONORIFIC: Final = re.compile(r"\.? |\.")
_AFTER_LABEL: Final = re.compile(r"[\"'\\]{0,3} ?[:=：]{1,2} ?[\"'\\]{0,3}")
#: A shorter family name with an initial might be a word.
_SHORTEST_FAMILY: Final = 4
#: A word that may be made of a person's names, with or without a number.
_ACCOUNT: Final = re.compile(r"(?<![^\W_])(?P<account>[^\W\d_]+(?:[._-][^\W\d_]+)?)\d{0,4}(?![^\W_])")
_SEPARATORS: Final = re.compile("[._-]")
#: A frequent family name and given names, where letters tell that it is Vietnamese.
_VIETNAMESE: Final = re.compile(
    r"(?<!\w)(?P<name>(?:Nguyễn|Trần|Lê|Phạm|Hoàng|Huỳnh|Phan|Vũ|Võ|Đặng|Bùi|Đỗ|Hồ|Ngô|Dương|Lý|Đinh|Trịnh|Lương|Đoàn"
    r"|Tạ|Tô|Cao|Mai|Đào|Trương|Lâm|Hà|Châu|Quách)(?: [A-ZĐÀ-Ỹ][a-zà-ỹđ]{1,6}){1,3})(?!\w)"
)
#: An honorific and what stands up to the second space, less `คุณ` as `you` and in `quality`.
_THAI: Final = re.compile(
    r"(?:คุณ|นางสาว|นาย|นาง)(?!สามารถ|ต้อง|จะ|ได้|มี|ไม่|ภาพ|สมบัติ|เป็น|คือ|ใช้|เคย|อาจ)"
    r"(?P<name>[\u0e01-\u0e3a\u0e40-\u0e4e]{2,20}(?: [\u0e01-\u0e3a\u0e40-\u0e4e]{2,20})?)"
)
_AFTER_FAMILY_LABEL: Final = re.compile(r"(?:[?:=]| is| was|,)+ ?[\"'“]?")
_AFTER_SIGN_OFF: Final = re.compile(r"[ ,.!:;\n\r\t~-]{1,6}")
_DASH_BEFORE: Final = re.compile(r"(?:^|[\s.!?])[-~]{1,2} ?\Z")
_LINE_END: Final = re.compile(r"[ .!)]{0,3}(?:\Z|[\r\n])")
_CLOSERS: Final = frozenset(word_list("person", "closers"))
_SPEAKS: Final = frozenset(word_list("person", "speaks"))


@cache
def _long_places() -> Phrases:
    """Places of more than one word: `Rio de Janeiro`."""
    return Phrases(place for place in lexicon().places if " " in place)


class PersonRecognizer(LocalRecognizer):
    """Finds names in any case and script."""

    def __init__(self) -> None:
        super().__init__(supported_entities=[Entity.PERSON.value, Entity.USER_NAME.value])
        self._lexicon = lexicon()

    def load(self) -> None:
        """Nothing to load: Presidio asks for it."""

    def analyze(
        self,
        text: str,
        entities: Collection[str],  # noqa: ARG002  (Presidio's interface; all are wanted here)
        nlp_artifacts: NlpArtifacts,
    ) -> list[RecognizerResult]:
        """Names that the model found and the lists do not deny, and those that the lists find."""
        scan = Scan.of(text, nlp_artifacts)
        people = [(e.start_char, e.end_char) for e in nlp_artifacts.entities if e.label_ in _PERSON_LABELS]
        return [presidio_result(self, found) for found in _Names(scan, self._lexicon).find(people)]

    def undecided(self, scan: Scan, settled: Sequence[tuple[int, int]]) -> bool:
        """Whether a language model might find a name besides what is found already.

        Its people count only if they begin and end with words that may be a name's, and some word speaks for
        one (`_model`). Where all such words stand in what was found, the model can't add to it.

        Args:
            scan: The text.
            settled: The stretches that were found, in order, without overlaps.
        """
        return _Names(scan, self._lexicon).undecided(settled)


class _Names:
    """The search through one text."""

    def __init__(self, scan: Scan, lists: Lexicon) -> None:
        self._scan = scan
        self._text = scan.text
        self._words = words = scan.words
        self._places = lists.places
        self._in_places = {
            word.start for first, last in _long_places().find(scan) for word in words[first : last + 1]
        }
        self._products = lists.products
        small = sum(not word.title and not word.upper for word in words)
        self._monotone = small == len(words) or all(word.upper or word.initial for word in words)
        self._german = scan.language == "de"
        # Title Case and German capitalize nouns: then a capital says little.
        self._capitals_tell = not self._monotone and small * 2 >= len(words)

    def find(self, people: list[tuple[int, int]]) -> Iterator[Found]:
        taken: set[tuple[int, int]] = set()
        names: list[list[Word]] = []
        for first, last, score in (
            *self._runs(),
            *self._triggered(),
            *self._called(),
            *self._model(people),
        ):
            span = self._words[first].start, self._words[last].end
            if span not in taken:
                taken.add(span)
                yield Found(*span, Entity.PERSON, score)
                if last > first:
                    names.append(self._words[first : last + 1])
        if names:
            yield from self._again(names)
            yield from self._accounts(names)
        if not self._scan.ascii:
            for pattern in (_VIETNAMESE, _THAI):
                for match in pattern.finditer(self._text):
                    yield Found(*match.span("name"), Entity.PERSON, 0.7)

    def _again(self, names: list[list[Word]]) -> Iterator[Found]:
        """The parts of full names wherever they stand alone: `Ana Castellano asked; Ana waits`."""
        parts = {
            word.key
            for name in names
            for word in name
            if len(word.key) >= _SHORTEST_UNKNOWN and not word.particle and not self._thing(word)
        }
        for word in self._words:
            if word.key in parts and not word.digits and (word.strong if self._monotone else word.title):
                yield Found(word.start, word.end, Entity.PERSON, 0.6)

    def _accounts(self, names: list[list[Word]]) -> Iterator[Found]:
        """Found people's accounts in the same text: `Ana Castellano (acastellano)`."""
        accounts = set()
        for name in names:
            parts = [word.key for word in name if len(word.key) > 1 and not word.particle]
            if len(parts) > 1 and len(parts[-1]) >= _SHORTEST_FAMILY:
                given, family = parts[0], parts[-1]
                accounts |= {given + family, given[0] + family, family + given, family + given[0]}
        if accounts:
            for match in _ACCOUNT.finditer(self._text):
                if word_key(_SEPARATORS.sub("", match["account"])) in accounts:
                    yield Found(*match.span(), Entity.USER_NAME, 0.7)

    def _gap(self, left: int) -> str:
        return self._text[self._words[left].end : self._words[left + 1].start]

    def _joined(self, left: int) -> bool:
        """Whether the word after this one may belong to the same name."""
        return left + 1 < len(self._words) and _INNER_GAP.fullmatch(self._gap(left)) is not None

    def _cased(self, word: Word) -> bool:
        """Whether its writing allows it to be a name."""
        return self._monotone or word.title or word.upper

    def _abbreviates(self, word: Word) -> bool:
        """Whether a single letter stands for a name or in one, and is no word: `J`, `q.`, `'t`, not `à`."""
        before, after = self._text[word.start - 1 : word.start], self._text[word.end : word.end + 1]
        return word.title or after == "." or before == "'"

    def _nameable(self, word: Word) -> bool:
        """Whether it may be a part of a name that other words prove."""
        if word.digits and not word.strong:
            return False
        if word.strong:
            return True
        if word.initial and not self._abbreviates(word):
            return False
        if word.named or word.unknown or word.initial:
            return self._cased(word) and (
                word.unknown or word.initial or not self._monotone or not word.known or word.named
            )
        return False

    def _thing(self, word: Word) -> bool:
        return (
            word.start in self._in_places
            or word.key in self._places
            or word.key in self._products
            or word.key in _CALENDAR
        )

    def _runs(self) -> Iterator[tuple[int, int, float]]:
        """Names that the lists prove by themselves."""
        index = 0
        while index < len(self._words):
            if not self._nameable(self._words[index]):
                index += 1
                continue
            last = self._extended(index)
            yield from self._proved(index, last)
            index = last + 1

    def _extended(self, first: int) -> int:
        """The last word of the longest run of nameable words; particles only between two of them."""
        last = first
        while self._joined(last) and last - first < _MAX_WORDS:
            following = last + 1
            comma = self._gap(last).startswith(",")
            while (
                following - last <= 3
                and self._words[following].particle
                and not self._words[following].strong
                and self._joined(following)
            ):
                following += 1
            word = self._words[following]
            if not (self._nameable(word) or self._follows_given(last, following)) or (
                comma and not (word.strong and (word.title or word.upper))
            ):
                break
            last = following
        return last

    def _follows_given(self, left: int, right: int) -> bool:
        """Whether a capitalized word is a family name as it follows a given one: `Bridget Fairweather`."""
        given, word = self._words[left], self._words[right]
        return (
            not self._monotone
            and given.given is Commonness.NAME_ONLY
            and given.title
            and word.title
            and not word.initial
            and not word.digits
            and self._gap(left) == " "
            and not self._thing(given)
            and not self._thing(word)
            and word.key not in _THINGS
        )

    def _proved(self, first: int, last: int) -> Iterator[tuple[int, int, float]]:
        words = self._words[first : last + 1]
        if len(words) == 1:
            if self._proved_alone(first):
                yield first, first, 0.6
            return
        for start in range(first, last):
            if self._pair(start, last):
                yield start, last, 0.8
                return
        for index in range(first, last + 1):
            if self._proved_alone(index):
                yield index, index, 0.6

    def _pair(self, first: int, last: int) -> bool:
        """Whether the run that starts here is a name of two or more words."""
        words = [word for word in self._words[first : last + 1] if not word.particle or word.named]
        if len(words) < 2:
            return False
        head, rest = words[0], words[1:]
        if all(self._thing(word) or word.initial for word in words) or (
            " ".join(word.key for word in words) in self._places
        ):
            return False
        gap = self._gap(first)
        spaced = gap.strip(" ") == ""
        if head.strong and not (self._thing(head) and not any(w.strong for w in rest)):
            return any(
                word.named
                or word.initial
                or (word.unknown and (_latin(word.key) or _spaced_without_case(word.key)))
                for word in rest
            ) or (self._follows_given(first, first + 1))
        if any(word.strong and not self._thing(word) for word in rest):
            return (
                head.given is not None
                or head.surname is not None
                or head.initial
                or (head.unknown and spaced)
            )
        if not spaced or gap == "":
            return False
        if head.given is not None and rest[0].surname is not None:
            commons = head.given, rest[0].surname
            if self._capitals_tell:
                return head.title and rest[0].title
            return (
                self._monotone and min(commons) <= Commonness.RARE_WORD and head.given <= Commonness.RARE_WORD
            )
        unknown = [word for word in words if word.unknown and len(word.key) >= 3 and _latin(word.key)]
        return (
            len(unknown) >= 2
            and len(unknown) == len(words)
            and self._cased(head)
            and not any(word.digits for word in words)
        )

    def _proved_alone(self, index: int) -> bool:
        word = self._words[index]
        if not word.strong or self._thing(word) or word.digits or len(word.key) < 3:
            return False
        if index + 1 < len(self._words) and self._words[index + 1].key in _THINGS and self._joined(index):
            return False
        inside = self._text[word.start - 1 : word.start] in tuple("./\\$@#:") or self._text[
            word.end : word.end + 1
        ] in tuple("/\\(@=$")
        if inside:
            return False
        if word.given is Commonness.NAME_ONLY:
            return len(word.key) >= 4 or word.title
        return word.title and self._capitals_tell and not self._german

    def _triggered(self) -> Iterator[tuple[int, int, float]]:
        """Names that the words around them prove."""
        for phrases, gap in (
            (_INTRODUCTIONS, _AFTER_INTRODUCTION),
            (_HONORIFICS, _AFTER_HONORIFIC),
            (_LABELS, _AFTER_LABEL),
            (_SIGN_OFFS, _AFTER_SIGN_OFF),
            (_RELATIONS, _AFTER_INTRODUCTION),
            (_SPOKEN_TO, _AFTER_INTRODUCTION),
        ):
            for _, label in phrases.find(self._scan):
                first = label + 1
                if first < len(self._words) and gap.fullmatch(self._gap(label)):
                    yield from self._after(first, phrases)
        for index, word in enumerate(self._words):
            if word.key in _SPEAKS and index and self._gap(index - 1) == " ":
                yield from self._before_verb(index - 1)
            elif _DASH_BEFORE.search(self._text, max(0, word.start - 4), word.start):
                yield from self._after(index, _SIGN_OFFS)

    def _called(self) -> Iterator[tuple[int, int, float]]:
        """`Her maiden name is Hill`; a text that begins with `Sofia, can you`; one of nothing but a name."""
        for _, label in _FAMILY_LABELS.find(self._scan):
            gap = _AFTER_FAMILY_LABEL.match(self._text, self._words[label].end)
            index = word_from(self._words, gap.end()) if gap else len(self._words)
            if gap and index < len(self._words) and self._words[index].start == gap.end():
                last = index
                while last + 1 < len(self._words) and self._words[last + 1].title and self._gap(last) in " -":
                    last += 1
                word = self._words[index]
                if word.title or word.upper or word.named or word.unknown:
                    yield index, last, 0.7
        words = self._words
        if not words:
            return
        head = words[0]
        if (
            len(words) > 1
            and head.title
            and head.given is not None
            and head.key not in self._products
            and head.key not in _CALENDAR
            and head.given <= Commonness.RARE_WORD
            and self._gap(0) == ", "
            and words[1].key in _VOCATIVES
        ):
            yield 0, 0, 0.7
        if (
            len(words) == 2
            and self._text.strip(" .") == self._text[head.start : words[1].end]
            and self._gap(0) == " "
            and head.title
            and words[1].title
            and not any(self._thing(word) or word.digits for word in words)
            and words[1].key not in _THINGS
            and head.given is not None
            and words[1].surname is not None
            and min(head.given, words[1].surname) <= Commonness.RARE_WORD
        ):
            yield 0, 1, 0.7

    def _after(self, first: int, trigger: Phrases) -> Iterator[tuple[int, int, float]]:
        """The name that begins at a word which such a phrase introduces."""
        last_title = min(first + _MAX_WORDS, len(self._words) - 1)
        while first < last_title and self._words[first].key in _TITLES and self._joined(first):
            first += 1
        last = self._triggered_end(first, trigger)
        if last is not None and self._believable(first, last, trigger):
            yield first, last, 0.7

    def _triggered_end(self, first: int, trigger: Phrases) -> int | None:
        loose = trigger is _HONORIFICS or trigger is _LABELS
        last = None
        for index in range(first, min(first + 5, len(self._words))):
            word = self._words[index]
            fits = (
                word.named
                or word.unknown
                or (word.initial and self._abbreviates(word))
                or (word.particle and (index > first or self._monotone))
            )
            fits = fits or (loose and (word.title or word.upper) and not self._monotone)
            if not fits or word.digits or not (self._cased(word) or word.strong or word.particle or loose):
                break
            if not word.particle or word.named:
                last = index
            if not self._joined(index) or (self._gap(index).startswith(",") and trigger is not _LABELS):
                break
        return last

    def _believable(self, first: int, last: int, trigger: Phrases) -> bool:
        words = self._words[first : last + 1]
        proven = trigger is _HONORIFICS or trigger is _INTRODUCTIONS or trigger is _SIGN_OFFS
        # Charlotte is a city, but not after `my name is`.
        if all(self._thing(word) and not (proven and self._named_like_a_place(word)) for word in words):
            return False
        if trigger is _HONORIFICS or trigger is _LABELS:
            return any(
                word.named or word.unknown or (word.title and not self._monotone) for word in words
            ) and not all(word.known and not word.named for word in words)
        following = self._words[last + 1] if last + 1 < len(self._words) and self._joined(last) else None
        closed = following is None or following.key in _CLOSERS or following.key in _SPEAKS
        if following is not None and following.key in _THINGS:
            return False
        strong = any(word.strong for word in words)
        if trigger is _SIGN_OFFS:
            return _LINE_END.match(self._text, words[-1].end) is not None and (
                strong or words[0].given is not None or (words[0].unknown and self._cased(words[0]))
            )
        if trigger is _RELATIONS or trigger is _SPOKEN_TO:
            if self._capitals_tell or (not self._monotone and self._words[first - 1].key in _ADDRESSING):
                return all(
                    word.title or word.upper or word.particle or word.initial for word in words
                ) and any(
                    word.given is not None
                    or word.strong
                    or (trigger is _SPOKEN_TO and self._like_a_name(word))
                    for word in words
                )
            return closed and strong
        if strong:
            return True
        if len(words) > 1:
            return all(word.named or word.unknown or word.particle for word in words)
        return closed and (words[0].given is not None or words[0].unknown)

    def _named_like_a_place(self, word: Word) -> bool:
        return (
            word.given is not None
            and (word.title or self._monotone)
            and word.key not in self._products
            and word.key not in _CALENDAR
        )

    def _like_a_name(self, word: Word) -> bool:
        """A capitalized word of no language that the lists know, where capitals tell."""
        return (
            word.unknown
            and word.title
            and self._capitals_tell
            and len(word.key) > _SHORTEST_UNKNOWN
            and _latin(word.key)
        )

    def _before_verb(self, last: int) -> Iterator[tuple[int, int, float]]:
        """`Mark says`: a given name of any kind, or capitalized unknown words, before a verb of people."""
        first = last
        while (
            first
            and last - first < 3
            and self._gap(first - 1) in (" ", "-")
            and self._nameable(self._words[first - 1])
            and self._cased(self._words[first - 1])
        ):
            first -= 1
        words = self._words[first : last + 1]
        if any(self._thing(word) or word.digits for word in words):
            return
        if (
            self._capitals_tell
            and all(word.title for word in words)
            and all(word.given is not None or word.unknown or word.surname is not None for word in words)
        ):
            if len(words) > 1 or (words[0].given is not None and words[0].given <= Commonness.RARE_WORD):
                yield first, last, 0.6
        elif len(words) >= 2 and words[0].given is not None and all(word.named for word in words):
            yield first, last, 0.6

    def _model(self, people: list[tuple[int, int]]) -> Iterator[tuple[int, int, float]]:
        """The model's people, as far as the lists do not deny them."""
        for inside in self._within_candidates(people):
            while inside and not self._may_start(self._words[inside[0]]):
                inside.pop(0)
            while inside and not self._may_start(self._words[inside[-1]]):
                inside.pop()
            if not inside:
                continue
            words = [self._words[index] for index in inside]
            if all(self._thing(word) for word in words) or not self._evidence(words):
                continue
            following = inside[-1] + 1
            if (
                len(words) == 1
                and following < len(self._words)
                and self._words[following].key in _THINGS
                and self._joined(inside[-1])
            ):
                continue
            if len(words) == 1 and words[0].unknown and self._capitalized_by_place(words[0]):
                continue
            if words[0].unknown and len(words) > 2 and words[1].given is Commonness.NAME_ONLY:
                inside.pop(0)
            last = inside[-1]
            if self._gap_is_name(last):
                last = self._extended(last)
            yield inside[0], last, 0.85

    def _capitalized_by_place(self, word: Word) -> bool:
        """Whether a capital says nothing, at a text's start, and the models do not know the language."""
        return not self._text[: word.start].strip() and self._scan.language in ("de", "other")

    def _within_candidates(self, people: list[tuple[int, int]]) -> Iterator[list[int]]:
        """The words of each of the model's people, apart where no name goes on."""
        candidates = list(self._candidates()) if people else []
        for start, end in people:
            for first, last in candidates:
                inside = [
                    index
                    for index in range(first, last + 1)
                    if self._words[index].start < end and self._words[index].end > start
                ]
                if inside:
                    yield inside

    def undecided(self, settled: Sequence[tuple[int, int]]) -> bool:
        """Whether `_model` might accept people of whom a word is not within `settled`."""
        ends = [end for _, end in settled]

        def is_open(word: Word) -> bool:
            stretch = bisect_left(ends, word.end)
            return not word.initial and (stretch == len(settled) or word.start < settled[stretch][0])

        for first, last in self._candidates():
            words = self._words[first : last + 1]
            left = [word for word in words if is_open(word) and not word.particle]
            if not left or all(self._thing(word) for word in words):
                continue
            if any(self._evidence([word]) for word in left):
                return True
            edges = [word for word in words if self._may_start(word)]
            # The model may take a part of the run: of mixed scripts, the Latin words alone.
            latin = [word for word in words if _latin(word.key)]
            if len(edges) > 1 and (self._evidence(words) or (len(latin) > 1 and self._evidence(latin))):
                return True
        return False

    def _candidates(self) -> Iterator[tuple[int, int]]:
        """The longest runs of words that may all be of one name; the model's people are cut to them."""
        first = None
        for index, word in enumerate(self._words):
            if not (word.particle or word.initial or self._may_start(word) or self._nameable(word)):
                if first is not None:
                    yield first, index - 1
                first = None
            elif first is None:
                first = index
            elif not _LINK.fullmatch(self._gap(index - 1)):
                yield first, index - 1
                first = index
        if first is not None:
            yield first, len(self._words) - 1

    def _gap_is_name(self, last: int) -> bool:
        return self._joined(last) and self._gap(last) in (" ", "-")

    def _may_start(self, word: Word) -> bool:
        """Whether it may stand at the edge of a name the model found."""
        return not word.digits and (
            word.given is Commonness.NAME_ONLY
            or (self._cased(word) and not word.particle and (word.named or not word.known))
        )

    def _evidence(self, words: list[Word]) -> bool:
        if len(words) == 1:
            word = words[0]
            if not _latin(word.key):
                return word.named
            return (
                word.strong
                or (word.given is not None and self._capitals_tell)
                or (
                    word.unknown
                    and len(word.key) >= 3
                    and word.title
                    and self._capitals_tell
                    and not word.digits
                )
            )
        if not all(_latin(word.key) for word in words):
            return any(word.strong for word in words)
        return any(word.given is not None or word.strong or word.unknown for word in words)


def _spaced_without_case(key: str) -> bool:
    """Whether its script knows no capitals but puts spaces between words: Hebrew to Sinhala."""
    return "\u0590" <= key[0] <= "\u0dff"


def _latin(key: str) -> bool:
    return bool(key) and key[0] < "\u0370"
