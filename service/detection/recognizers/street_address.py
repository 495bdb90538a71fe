"""Street addresses: a street's name with a house number, and post codes that lead to a few houses."""

import re
from collections.abc import Iterator
from typing import ClassVar, Final

from service.detection.lexicon import Commonness
from service.detection.phrases import Phrases
from service.detection.recognizers.rule import Found, RuleRecognizer
from service.detection.scan import Scan
from service.detection.word_lists import word_list
from service.detection.words import Word, word_from
from service.policy.entities import Entity

_HOUSE_NUMBER: Final = re.compile(
    r"(?<![\w.:/+-])\d{1,5}(?: ?(?:bis|ter|quater)\b|[A-Za-z]\b| [A-Za-z]\b(?=\s*(?:,|$|\n|"
    r"\d))|[-/]\d{1,4}[A-Za-z]?\b)?(?!\d|[.:]\d|%|[A-Za-z])"
)
#: After a number and a name: English-speaking countries.
_ENGLISH_KINDS: Final = frozenset(word_list("street_address", "english_kinds"))
#: The same where each word has a capital.
_CAPITALIZED_ENGLISH_KINDS: Final = frozenset(word_list("street_address", "capitalized_english_kinds"))
#: After a number, before a name: French.
_FRENCH_KINDS: Final = frozenset(word_list("street_address", "french_kinds"))
#: Before a name and a number: Romance and Slavic languages, Turkish, Indonesian, Dutch in Belgium.
_LEADING_KINDS: Final = frozenset(word_list("street_address", "leading_kinds"))
#: The same where each word has a capital.
_CAPITALIZED_LEADING_KINDS: Final = frozenset(word_list("street_address", "capitalized_leading_kinds"))
#: The end of a name, before a number: Germanic, Nordic, Finnish, Hungarian, Turkish.
_ENDINGS: Final = word_list("street_address", "endings")  # fmt: skip
#: Endings that are everyday words or word ends too: then only long capitalized words count.
_WEAK_ENDINGS: Final = (
    "str",
    "ring",
    "tie",
    "ut",
    "ter",
    "gate",
    "grand",
    "cad",
    "sok",
    "weg",
    "singel",
    "grand",
    "markt",
    "gata",
    "via",
    *("ova", "ska", "cka", "alle", "pad", "hof", "baan", "kaari", "rinne", "raitti", "svingen", "bakken"),
    *("berget", "stubben", "tunet", "toppen", "haugen", "parken", "stien", "lunden", "skoven", "marken"),
    *(
        "roa",
        "lokka",
        "asen",
        "jordet",
        "faret",
        "kroken",
        "braten",
        "sletta",
        "toften",
        "garten",
        "berg",
        "feld",
        "hohe",
        "stiege",
    ),
)
_UNIT: Final = re.compile(
    r",? {0,2}(?:#|no\b\.?|apt\b\.?|apartment|suite|ste\b\.?|unit|flat|floor|room|rm\b\.?|"
    r"bldg\b\.?|piso|depto\b\.?|apto\b\.?|int\b\.?|bus|etg\b|og\b|appt?\b\.?|wohnung|"
    r"whg\b\.?|piano|appartamento|interno|interior|edif\b\.?|puerta|esc\b\.?) ?[\w-]{1,6}"
    r"|, ?\d{1,2}[º°ª][a-z]{0,2}(?: ?[A-Z]\b)?",
    re.IGNORECASE,
)
#: `Flat 6a, Pamela Grove`: no house has a number of its own.
_FLAT_FIRST: Final = re.compile(
    r"\b(?:flat|studio|unit|suite|apartment|apt\.?) \d{1,4}[A-Za-z]?,(?= )", re.IGNORECASE
)
_UNIT_BEFORE: Final = re.compile(
    r"\b(?:flat|unit|suite|studio|level|apt\.?|apartment|shop|villa|room) ?#?\d{1,4}[A-Za-z]?[,/ ]{1,2}\Z",
    re.IGNORECASE,
)
#: Of these, what makes a number and capitalized words an address: `800 Novak Apt. 443`.
_FLAT: Final = re.compile(r",? {0,2}(?:apt\b\.?|apartment|suite|ste\b\.?|unit|flat) ?#? ?\d", re.IGNORECASE)
#: After a number: then it counts or measures something.
_MEASURE: Final = re.compile(r" ?(?:%|€|\$|eur\b|usd\b|prozent|mal\b|ms\b|mb\b|gb\b)", re.IGNORECASE)
_NUMBER_WORD: Final = frozenset(word_list("street_address", "number_word"))
_PO_BOX: Final = re.compile(
    r"\b(?:p\.? ?o\.? ?box|postfach|postbus|postboks|postbox|apartado(?: postal)?|"
    r"caixa postal|casella postale|bo[iî]te postale) ?[:#]? ?\d[\d ]{1,8}",
    re.IGNORECASE,
)
#: UK (BS 7666), Canadian, Irish and Dutch codes: each means a few houses.
_POST_CODE: Final = re.compile(
    r"(?<![\w-])(?:[A-PR-UWYZ][A-HK-Y]?\d[\dA-HJKMNPR-Y]? \d[ABD-HJLN-UW-Z]{2}|"
    r"[ABCEGHJ-NPRSTVXY]\d[A-Z] ?\d[A-Z]\d|[A-Y]\d[\dW] [A-Z0-9]{4}(?<=\d[A-Z0-9]{2})|"
    r"[1-9]\d{3} [A-Z]{2}(?= [A-Z][a-z]))(?![\w-])"
)
_JAPANESE: Final = re.compile(
    r"(?:〒\d{3}-?\d{4} ?)?[\u3400-\u9fff]{1,4}[都道府県市区町村][\u3040-\u30ff\u3400-\u9fff"
    r"]{1,12}\d{1,4}(?:-\d{1,4}|丁目|番地?|号){1,4}|〒\d{3}-?\d{4}"
)
_CHINESE: Final = re.compile(
    r"[\u3400-\u9fff]{2,12}[路街道巷弄]\d{1,5}[号號](?:[\u3400-\u9fff\d]{0,10}[室楼樓层號])?"
)
_LABELS: Final = Phrases(word_list("street_address", "labels"))
#: After such a label: words and a number up to a comma or the line's end.
_LABELLED: Final = re.compile(
    r"[\"'\\]{0,3}(?: ?[:=]| is| ist| est| es| é| è)[ \"'\\]{0,3}"
    r"(?P<street>[^,;\n\"']{0,60}?[^\W\d_][^,;\n\"']{0,40}?\d{1,5}[a-zA-Z]?|"
    r"\d{1,5}[^,;\n\"']{3,60})(?=[,;\n\"'.]|\s*\Z| - )",
)
#: Between such words and a number with a street's name: `address to:`, `lived in`.
_APPROACHES: Final = Phrases(word_list("street_address", "approaches"))
_APPROACHED: Final = re.compile(
    r"[\"'\\]{0,3}(?:[ .:=]{1,3}(?:is|to|with|at|in|as|for|the|same|following)\b){0,4}[ :=.\"'\\]{1,4}"
    r"(?P<street>(?:[A-Z]-?)?\d{1,5}(?:[-/]\d{1,4})?[A-Za-z]?,? "
    r"[A-ZÀ-Þ][^\W\d_]+(?:[ -][A-ZÀ-Þ][^\W\d_]+){0,3})"
)
#: From here on a house number is no version or step.
_MANY_DIGITS: Final = 3
#: After a street: a town or a flat.
_GOES_ON: Final = re.compile(r",? ?\r?\n|, ?[A-Z0-9]")
_COUNTED: Final = frozenset(word_list("street_address", "counted"))
_MAX_NAME_WORDS: Final = 5


class StreetAddressRecognizer(RuleRecognizer):
    """Finds where somebody lives."""

    entities: ClassVar = (Entity.STREET_ADDRESS,)

    def may_find(self, scan: Scan) -> bool:
        """A house has a number."""
        return scan.digits > 0

    def find(self, scan: Scan) -> Iterator[Found]:
        """Streets with numbers; places by themselves are left alone."""
        text, words = scan.text, scan.words
        for number in _HOUSE_NUMBER.finditer(text):
            before, after = word_from(words, number.start()) - 1, word_from(words, number.end())
            for start, end in (
                *_english(text, words, after, number),
                *_french(text, words, after, number),
                *_compound(text, words, before, number),
                *_kind_first(text, words, before, number),
            ):
                yield _with_units(text, start, end, 0.8)
        for flat in _FLAT_FIRST.finditer(text):
            after = word_from(words, flat.end())
            for index, word in enumerate(_run_after(text, words, after, flat)):
                if not (word.title or word.strong or (index and words[after + index - 1].strong)):
                    break
                if index and (word.key in _ENGLISH_KINDS or word.key in _CAPITALIZED_ENGLISH_KINDS):
                    yield Found(flat.start(), word.end, Entity.STREET_ADDRESS, 0.7)
        for _, last in _APPROACHES.find(scan):
            approached = _APPROACHED.match(text, words[last].end)
            if approached and _may_be_approached(text, words, *approached.span("street")):
                yield _with_units(text, *approached.span("street"), 0.7)
        for _, last in _LABELS.find(scan):
            labelled = _LABELLED.match(text, words[last].end)
            if labelled:
                yield Found(*labelled.span("street"), Entity.STREET_ADDRESS, 0.7)
        for pattern in (_PO_BOX, _POST_CODE):
            for match in pattern.finditer(text):
                yield Found(*match.span(), Entity.STREET_ADDRESS, 0.6)
        if not scan.ascii:
            for pattern in (_JAPANESE, _CHINESE):
                for match in pattern.finditer(text):
                    yield Found(*match.span(), Entity.STREET_ADDRESS, 0.8)


def _with_units(text: str, start: int, end: int, score: float) -> Found:
    """A street and its number with the flat before it or the floor and flat after it."""
    before = _UNIT_BEFORE.search(text, max(0, start - 20), start)
    for _ in range(2):
        after = _UNIT.match(text, end)
        end = after.end() if after else end
    return Found(before.start() if before else start, end, Entity.STREET_ADDRESS, score)


def _run_after(text: str, words: list[Word], first: int, number: re.Match[str]) -> list[Word]:
    """The words right after a number, as far as they may be one street's name."""
    if first >= len(words) or words[first].start - number.end() > 3:
        return []
    if text[number.end() : words[first].start].strip(" ,.") or words[first].key in _COUNTED:
        return []
    run = [words[first]]
    for word in words[first + 1 : first + _MAX_NAME_WORDS + 1]:
        if text[run[-1].end : word.start].strip(" '-."):
            break
        run.append(word)
    return run


def _names_a_street(text: str, name: list[Word], number: str, end: int) -> bool:
    """Whether everyday words are a street's name by more than their capitals: not those of `3 Grid View`.

    One of them may be a person's name (hardly a word as well, or after a long number), or is in no list; or
    the address goes on.
    """
    commons = [common for word in name for common in (word.given, word.surname) if common is not None]
    return (
        any(word.unknown for word in name)
        or any(common <= Commonness.RARE_WORD for common in commons)
        or (bool(commons) and sum(char.isdigit() for char in number) >= _MANY_DIGITS)
        or _GOES_ON.match(text, end) is not None
    )


def _may_be_approached(text: str, words: list[Word], start: int, end: int) -> bool:
    """Whether it is a place with a number and no count of things: `moved to 3 Main Tabs`."""
    name = words[word_from(words, start) : word_from(words, end)]
    return name[-1].key in _ENGLISH_KINDS | _CAPITALIZED_ENGLISH_KINDS or _names_a_street(
        text, name, text[start : name[-1].start], end
    )


def _english(text: str, words: list[Word], first: int, number: re.Match[str]) -> Iterator[tuple[int, int]]:
    """`48 Larkspur Crescent`, `7645 Angie Ways`: the first kind of street ends it, or a flat's number."""
    run = _run_after(text, words, first, number)
    last = None
    for index, word in enumerate(run):
        capital = word.title or word.upper
        # In small letters only a name will do: `7645 angie ways`.
        if not (capital or word.strong or (index and run[index - 1].strong)):
            break
        last = word
        kind = index and word.key in _CAPITALIZED_ENGLISH_KINDS
        proved = capital or (run[index - 1].strong and not run[index - 1].title)
        if kind and proved and _names_a_street(text, run[:index], number[0], word.end):
            yield number.start(), word.end
    if last is not None and _FLAT.match(text, last.end):
        yield number.start(), last.end
    for index, word in enumerate(run):
        if index and word.key in _ENGLISH_KINDS:
            if word.title or word.upper or len(word.key) > 2:
                yield number.start(), word.end
            return
        if word.key in _COUNTED:
            return


def _french(text: str, words: list[Word], first: int, number: re.Match[str]) -> Iterator[tuple[int, int]]:
    """`8 bis rue des Tilleuls`: particles and names after the kind of street, or one small word."""
    run = _run_after(text, words, first, number)
    if not run or run[0].key not in _FRENCH_KINDS:
        return
    name = run[0]
    for index, word in enumerate(run[1:]):
        named = word.title or word.upper or word.strong
        if not (named or word.particle or (index == 0 and not word.known)):
            break
        if not word.particle or named:
            name = word
    if name is not run[0]:
        yield number.start(), name.end


def _may_precede(text: str, words: list[Word], last: int, number: re.Match[str]) -> int | None:
    """The last word of a street's name before a number; None where none stands there."""
    if last < 0 or number.start() - words[last].end > 4:
        return None
    if text[words[last].end : number.start()].strip(" ,.:#º°") or _MEASURE.match(text, number.end()):
        return None
    return last - 1 if words[last].key in _NUMBER_WORD and last else last


def _compound(text: str, words: list[Word], last: int, number: re.Match[str]) -> Iterator[tuple[int, int]]:
    """`Lindenstraße 27a`, `Rosenheimer Str. 145`, `Am Mühlenbach` only with a label."""
    name = _may_precede(text, words, last, number)
    if name is None or not words[name].key.endswith(_ENDINGS):
        return
    word = words[name]
    alone = word.key in _ENDINGS
    if alone and (not name or not (words[name - 1].title or words[name - 1].upper or words[name - 1].named)):
        return
    if not alone and word.key.endswith(_WEAK_ENDINGS) and (not word.title or word.known or len(word.key) < 7):
        return
    first = name
    while first and name - first < 3:
        gap = text[words[first - 1].end : words[first].start]
        before = words[first - 1]
        capital = before.title or before.upper or (alone and before.named)
        if not capital or not (gap == "-" or (alone and first == name and gap in (" ", ". "))):
            break
        first -= 1
    yield words[first].start, number.end()


def _kind_first(text: str, words: list[Word], last: int, number: re.Match[str]) -> Iterator[tuple[int, int]]:
    """`Calle de la Luna 23`, `ul. Długa 5`: from the kind of street to the number."""
    name = _may_precede(text, words, last, number)
    if name is None:
        return
    for index in range(name - 1, max(-1, name - _MAX_NAME_WORDS - 1), -1):
        if text[words[index].end : words[index + 1].start].strip(" '.,/º"):
            return
        abbreviated = text[words[index].end : words[index].end + 1] in tuple("./")
        kind, named = words[index], words[index + 1 : name + 1]
        if kind.key in _CAPITALIZED_LEADING_KINDS and (kind.title or abbreviated):
            if all(w.title or w.upper or w.particle for w in named):
                yield kind.start, number.end()
            return
        if kind.key in _LEADING_KINDS and (len(kind.key) > 2 or abbreviated):
            if all(w.title or w.upper or w.particle or w.unknown or w.named for w in named):
                yield kind.start, number.end()
            return
