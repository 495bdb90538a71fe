"""Street addresses: a street's name with a house number, and post codes that lead to a few houses."""

import re
from collections.abc import Iterator
from typing import ClassVar, Final

from service.detection.phrases import Phrases
from service.detection.recognizers.rule import Found, RuleRecognizer
from service.detection.words import PARTICLES, Word, split_words, word_from
from service.policy.entities import Entity

_HOUSE_NUMBER: Final = re.compile(
    r"(?<![\w.:/+-])\d{1,5}(?: ?(?:bis|ter|quater)\b|[A-Za-z]\b| [A-Za-z]\b(?=\s*(?:,|$|\n|\d))|[-/]\d{1,4}[A-Za-z]?\b)?(?!\d|[.:]\d|%|[A-Za-z])"
)
#: After a number and a name: English-speaking countries.
_ENGLISH_KINDS: Final = frozenset(
    "street st avenue ave av road rd boulevard blvd lane ln drive dr court ct place pl square sq crescent cres close terrace ter way parkway pkwy "
    "circle cir highway hwy trail trl alley row mews gardens gdns grove hill walk wharf quay green rise vale loop plaza esplanade parade view heights "
    "manor path pike turnpike bend cove crossing ridge point marg nagar".split()
)
#: After a number, before a name: French.
_FRENCH_KINDS: Final = frozenset(
    "rue avenue av boulevard bd blvd place impasse allee chemin quai cours passage square route faubourg villa cite sentier ruelle chaussee".split()
)
#: Before a name and a number: Romance and Slavic languages, Turkish, Indonesian, Dutch in Belgium.
_LEADING_KINDS: Final = frozenset(
    "calle cl av avda avenida paseo plaza pza carrera cra kr travesia ronda camino carretera rua r travessa praca largo alameda rodovia estrada via viale "
    "piazza corso vicolo strada str bulevardul aleea ul ulica ulice al aleja улица ул проспект пр вулиця вул jalan jl rue straat οδος".split()
)
#: The end of a name, before a number: Germanic, Nordic, Finnish, Hungarian, Turkish.
_ENDINGS: Final = (
    "strasse", "str", "gasse", "platz", "allee", "ring", "damm", "ufer", "chaussee", "steig", "stieg", "graben", "weg", "straat", "laan", "gracht",
    "plein", "kade", "singel", "dijk", "dreef", "steeg", "gatan", "gata", "vagen", "vag", "grand", "torg", "backen", "stigen", "veien", "vei", "gate",
    "gaten", "plass", "vej", "gade", "straede", "vaenget", "katu", "tie", "kuja", "polku", "utca", "ut", "utja", "ter", "korut", "caddesi", "cad",
    "sokak", "sok", "sokagi", "bulvari", "promenade", "markt",
)  # fmt: skip
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
)
_UNIT: Final = re.compile(
    r",? {0,2}(?:#|no\b\.?|apt\b\.?|apartment|suite|ste\b\.?|unit|flat|floor|room|rm\b\.?|bldg\b\.?|piso|depto\b\.?|apto\b\.?|int\b\.?|bus|etg\b|og\b|appt?\b\.?|wohnung|whg\b\.?) ?[\w-]{1,6}"
    r"|, ?\d{1,2}[º°ª][a-z]{0,2}(?: ?[A-Z]\b)?",
    re.IGNORECASE,
)
_NUMBER_WORD: Final = frozenset("nr no n num numero nummer d".split())
_PO_BOX: Final = re.compile(
    r"\b(?:p\.? ?o\.? ?box|postfach|postbus|postboks|postbox|apartado(?: postal)?|caixa postal|casella postale|bo[iî]te postale) ?[:#]? ?\d[\d ]{1,8}",
    re.IGNORECASE,
)
#: UK (BS 7666), Canadian, Irish and Dutch codes: each means a few houses.
_POST_CODE: Final = re.compile(
    r"(?<![\w-])(?:[A-PR-UWYZ][A-HK-Y]?\d[\dA-HJKMNPR-Y]? \d[ABD-HJLN-UW-Z]{2}|[ABCEGHJ-NPRSTVXY]\d[A-Z] ?\d[A-Z]\d|[A-Y]\d[\dW] [A-Z0-9]{4}(?<=\d[A-Z0-9]{2})|[1-9]\d{3} [A-Z]{2}(?= [A-Z][a-z]))(?![\w-])"
)
_JAPANESE: Final = re.compile(
    r"(?:〒\d{3}-?\d{4} ?)?[\u3400-\u9fff]{1,4}[都道府県市区町村][\u3040-\u30ff\u3400-\u9fff]{1,12}\d{1,4}(?:-\d{1,4}|丁目|番地?|号){1,4}|〒\d{3}-?\d{4}"
)
_CHINESE: Final = re.compile(
    r"[\u3400-\u9fff]{2,12}[路街道巷弄]\d{1,5}[号號](?:[\u3400-\u9fff\d]{0,10}[室楼樓层號])?"
)
_LABELS: Final = Phrases(
    """address|street|home address|billing address|shipping address|street address|lives at|live at|living at|moved to|adresse|anschrift|wohnhaft in|wohne in|adresse postale
    domicile|j'habite|dirección|domicilio|vivo en|endereço|morada|indirizzo|residente in|abito in|adres|ulica|adress|osoite|cím|adresa|adresi|адрес|διεύθυνση|العنوان|כתובת|alamat|địa chỉ""".replace(
        "\n", "|"
    ).split("|")
)
#: After such a label: words and a number up to a comma or the line's end.
_LABELLED: Final = re.compile(
    r"[\"'\\]{0,3}(?: ?[:=]| is| ist| est| es| é| è)[ \"'\\]{0,3}(?P<street>[^,;\n\"']{0,60}?[^\W\d_][^,;\n\"']{0,40}?\d{1,5}[a-zA-Z]?|\d{1,5}[^,;\n\"']{3,60})(?=[,;\n\"'.]|\s*\Z| - )",
)
_COUNTED: Final = frozenset(
    "more few first other different minute minutes hour hours day days second seconds ms times of on in the a to and or for per is are was at by with from ago".split()
)
_MAX_NAME_WORDS: Final = 5


class StreetAddressRecognizer(RuleRecognizer):
    """Finds where somebody lives."""

    entities: ClassVar = (Entity.STREET_ADDRESS,)

    def find(self, text: str) -> Iterator[Found]:
        """Streets with numbers; places by themselves are left alone."""
        if not any(char.isdigit() for char in text):
            return
        words = split_words(text)
        for number in _HOUSE_NUMBER.finditer(text):
            for start, end in self._around(text, words, number.start(), number.end()):
                unit = _UNIT.match(text, end)
                yield Found(start, unit.end() if unit else end, Entity.STREET_ADDRESS, 0.8)
        for _, last in _LABELS.find(text, words):
            labelled = _LABELLED.match(text, words[last].end)
            if labelled and any(char.isdigit() for char in labelled["street"]):
                yield Found(*labelled.span("street"), Entity.STREET_ADDRESS, 0.7)
        for pattern in (_PO_BOX, _POST_CODE):
            for match in pattern.finditer(text):
                yield Found(*match.span(), Entity.STREET_ADDRESS, 0.6)
        if not text.isascii():
            for pattern in (_JAPANESE, _CHINESE):
                for match in pattern.finditer(text):
                    yield Found(*match.span(), Entity.STREET_ADDRESS, 0.8)

    def _around(self, text: str, words: list[Word], start: int, end: int) -> Iterator[tuple[int, int]]:
        yield from self._number_first(text, words, word_from(words, end), start, end)
        yield from self._number_last(text, words, word_from(words, start) - 1, start, end)

    def _number_first(
        self, text: str, words: list[Word], first: int, start: int, end: int
    ) -> Iterator[tuple[int, int]]:
        if (
            first >= len(words)
            or not text[end : words[first].start].strip(" ,.") == ""
            or words[first].start - end > 3
        ):
            return
        if words[first].key in _COUNTED:
            return
        french = words[first].key in _FRENCH_KINDS
        last = first
        for index in range(first, min(first + _MAX_NAME_WORDS + 1, len(words))):
            if index > first and text[words[index - 1].end : words[index].start].strip(" '-.") != "":
                break
            if french:
                if index > first and not (
                    words[index].title or words[index].upper or words[index].particle or words[index].strong
                ):
                    if index - first > 1 or words[index].known:
                        break
                last = index
            elif index > first and words[index].key in _ENGLISH_KINDS:
                if (
                    words[index].title
                    or words[index].upper
                    or index - first >= 1
                    and len(words[index].key) > 2
                ):
                    yield start, words[index].end
                return
            elif words[index].key in _COUNTED:
                return
        if french and last > first:
            while last > first and words[last].particle:
                last -= 1
            if last > first:
                yield start, words[last].end

    def _number_last(
        self, text: str, words: list[Word], last: int, start: int, end: int
    ) -> Iterator[tuple[int, int]]:
        if last < 0 or words[last].end > start or start - words[last].end > 4:
            return
        if text[words[last].end : start].strip(" ,.:#º°") != "":
            return
        if words[last].key in _NUMBER_WORD and last:
            last -= 1
        word = words[last]
        tail = text[end : end + 8].strip().lower()
        if tail.startswith(("%", "€", "$", "eur", "usd", "prozent", "mal ", "ms", "mb", "gb")):
            return
        if word.key.endswith(_ENDINGS):
            weak = word.key.endswith(_WEAK_ENDINGS) and (not word.title or word.known or len(word.key) < 7)
            if not weak or word.key in ("str", "cad", "sok") and last:
                first = last
                while (
                    first
                    and last - first < 3
                    and text[words[first - 1].end : words[first].start] in (" ", "-", ". ")
                    and (
                        (words[first - 1].title and text[words[first - 1].end : words[first].start] == "-")
                        or (
                            words[first - 1].key
                            in PARTICLES
                            | {"am", "an", "auf", "in", "alte", "neue", "lange", "kleine", "grosse"}
                            and first - 1
                            and last - first < 2
                            and word.key in _ENDINGS
                        )
                        or (word.key in _ENDINGS and last == first)
                    )
                ):
                    first -= 1
                yield words[first].start, end
                return
        for index in range(last - 1, max(-1, last - _MAX_NAME_WORDS - 1), -1):
            if text[words[index].end : words[index + 1].start].strip(" '.,/º") != "":
                return
            if words[index].key in _LEADING_KINDS and (
                len(words[index].key) > 2 or text[words[index].end : words[index].end + 1] in ".,/"
            ):
                if all(
                    w.title or w.upper or w.particle or w.unknown or w.named
                    for w in words[index + 1 : last + 1]
                ):
                    yield words[index].start, end
                return
