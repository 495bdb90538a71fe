"""People's names: the language model's answers and the lists' evidence, weighed against each other."""

import re
from collections.abc import Collection, Iterator
from typing import Final

from presidio_analyzer import LocalRecognizer, RecognizerResult
from presidio_analyzer.nlp_engine import NlpArtifacts

from service.detection.language import guess_language
from service.detection.lexicon import Commonness, Lexicon, lexicon
from service.detection.phrases import Phrases
from service.detection.recognizers.rule import Found, presidio_result
from service.detection.words import Word, split_words
from service.policy.entities import Entity

#: The labels of people in OntoNotes (English) and WikiNER (French).
_PERSON_LABELS: Final = frozenset({"PERSON", "PER"})
_MAX_WORDS: Final = 6
_TITLES: Final = frozenset(
    "dr prof med ing mr mrs ms herr frau my our mi mon ma mein meine meinem meinen unser unsere unserem manager boss colleague".split()
)

#: What may stand between the words of one name.
_INNER_GAP: Final = re.compile(r" {1,2}|[-_+.]|\. ?|\.-|, |")
#: Months, days and the like: given names that are far more often dates.
_CALENDAR: Final = frozenset(
    "january april may june july august september monday friday summer autumn".split()
)
#: After a single name: then it is the name of a thing.
_THINGS: Final = frozenset(
    "theme themes template templates plan plans dashboard dashboards server servers cluster clusters region "
    "font fonts model models plugin plugins connector connectors job jobs pipeline pipelines build builds "
    "release update version agent agents api sdk app driver drivers client library framework database db "
    "index node nodes container image chart charts panel widget page button tab menu table query dataset "
    "endpoint endpoints webhook webhooks integration exporter importer adapter mode layout design style skin "
    "repo repository branch environment workflow workflows runner runners middleware syntax code script "
    "scripts sink source stack core compiler runtime package module extension operator chart deployment "
    "hotel street road avenue airport university county island beach bay valley lake river hills heights "
    "optimizer optimiser algorithm diagram notation office datacenter zone timezone time".split()
)


def _phrases(lines: str) -> Phrases:
    return Phrases(phrase.strip() for line in lines.splitlines() for phrase in line.split("|"))


#: Before a name, in several languages: somebody introduces herself.
_INTRODUCTIONS: Final = _phrases(
    """my name is|my name's|name is|i am|i'm|im|this is|it's|call me|ich bin|ich heiße|mein name ist|hier ist|je suis|je m'appelle|mon nom est
    moi c'est|c'est|soy|me llamo|mi nombre es|sono|mi chiamo|il mio nome è|sou|sou o|sou a|me chamo|meu nome é|chamo me|ik ben|mijn naam is|ik heet
    jag heter|jag är|mitt namn är|jeg er|jeg heter|jeg hedder|mit navn er|mitt navn er|olen|nimeni on|nazywam się|jestem|mam na imię|jmenuji se|jsem
    volám sa|a nevem|numele meu este|mă numesc|sunt|benim adım|adım|ben|nama saya|saya|ako si|ang pangalan ko ay|tên tôi là|tôi là|toi la|ten toi la
    меня зовут|мое имя|моё имя|это|мене звати|με λένε|είμαι ο|είμαι η|το όνομά μου είναι|اسمي|أنا|انا|שמי|קוראים לי|मेरा नाम|jina langu ni|naitwa"""
)
_HONORIFICS: Final = _phrases(
    """mr|mrs|ms|mx|miss|mister|dr|prof|professor|sir|madam|lady|herr|herrn|frau|hr|mme|mlle|monsieur|madame|mademoiselle|señor|señora|señorita|sr|sra
    srta|don|doña|dom|dona|seu|signor|signora|signore|sig|dott|dottoressa|pan|pani|pana|panu|paní|pán|sayın|shri|smt|dhr|mevr|mevrouw|meneer|mw|fru
    rouva|dr med|prof dr|herr dr|frau dr|господин|госпожа|пан|пані|κύριε|κύριος|κυρία|السيد|السيدة|الدكتور|أستاذ|الأستاذ|श्री|श्रीमती"""
)
#: Before a name: somebody is spoken to or of.
_RELATIONS: Final = _phrases(
    """ask|asked|tell|told|contact|cc|ping|pinged|email|emailed|mail|mailed|call|called|invite|invited|add|adding|added|remove|removed|removing|assign
    assigned to|spoke with|spoke to|talked to|talk to|speak with|speak to|met with|chat with|chatted with|thanks to|thank you|thank|hi|hello|hey|dear
    from|by|for|with|to|of|behalf of|and|or|but|because|since|says|said|manager|colleague|boss|coworker|teammate|supervisor|wife|husband|son|daughter
    brother|sister|mother|father|friend|assistant|owner|holder|user|customer|client|employee|author|recruiter|lawyer|accountant|intern|contractor
    kollege|kollegin|kollegen|chef|chefin|mitarbeiter|mitarbeiterin|hallo|liebe|lieber|von|für|mit|an|bei|frag|fragen sie|collègue|bonjour|cher|chère|pour
    avec|par|chez|de|hola|estimado|estimada|para|con|por|jefe|jefa|gerente|compañero|compañera|colega|chefe|olá|oi|prezado|prezada|collega|ciao|gentile|per|voor|met|door|beste
    hej|til|från|med|för|cześć|dla|od|attn|attention|fao|re|fwd"""
)
#: Before a colon or an equals sign: what follows is a name.
_LABELS: Final = _phrases(
    """name|full name|first name|last name|given name|family name|surname|display name|customer name|contact name|holder|owner|contact|assignee|assigned to|author|reporter
    requester|requested by|created by|signed|signed by|approved by|submitted by|sender|recipient|attendee|employee|customer|patient|tenant|passenger|beneficiary|payee
    attn|cardholder|vorname|nachname|kunde|kundin|inhaber|kontoinhaber|ansprechpartner|nom|prénom|titulaire|nombre|apellido|apellidos|titular|cliente|nome
    cognome|sobrenome|intestatario|naam|voornaam|achternaam|namn|navn|imię|nazwisko|jméno|имя|фамилия|фио|الاسم|שם|नाम|ad soyad|tên|họ tên"""
)
_SIGN_OFFS: Final = _phrases(
    """regards|kind regards|best regards|warm regards|best wishes|best|cheers|thanks|thx|thank you|many thanks|sincerely|yours truly|yours sincerely|yours
    love|mfg|lg|vg|grüße|viele grüße|liebe grüße|beste grüße|schöne grüße|mit freundlichen grüßen|freundliche grüße|gruß|danke|cordialement|bien à vous|merci|bises|amicalement
    saludos|un saludo|atentamente|gracias|abraço|abraços|atenciosamente|obrigado|obrigada|att|saluti|cordiali saluti|grazie|groeten|groetjes|met vriendelijke groet|mvh
    hälsningar|hilsen|terveisin|pozdrawiam|s pozdravem|üdvözlettel|saygılarımla|teşekkürler|с уважением|спасибо|sent by|signed"""
)
#: Of these, the ones after which hardly anything but a name is capitalized.
_ADDRESSING: Final = frozenset(
    "ask asked tell told contact cc ping dear hi hello hey hallo hola bonjour ciao frag olá".split()
)
_AFTER_INTRODUCTION: Final = re.compile(r"[ \t:,\"'“]{1,4}")
_AFTER_HONORIFIC: Final = re.compile(r"\.? |\.")
_AFTER_LABEL: Final = re.compile(r"[\"'\\]{0,3} ?[:=：]{1,2} ?[\"'\\]{0,3}")
_AFTER_SIGN_OFF: Final = re.compile(r"[ ,.!:;\n\r\t~-]{1,6}")
_DASH_BEFORE: Final = re.compile(r"(?:^|[\s.!?])[-~]{1,2} ?\Z")
_LINE_END: Final = re.compile(r"[ .!)]{0,3}(?:\Z|[\r\n])")
_CLOSERS: Final = frozenset("from with at here and aus von de du da but my the i who del di van".split())
_SPEAKS: Final = frozenset(
    "here says said asks asked told tells wants wanted wrote writes reported reports complained called mailed "
    "emailed approved left joined needs cannot can't couldn't keeps gets got quiere dice dijo quer disse veut "
    "dit sagt sagte meint schreibt möchte hat ist braucht vuole dice zegt wil".split()
)


class PersonRecognizer(LocalRecognizer):
    """Finds names in any case and script."""

    def __init__(self) -> None:
        super().__init__(supported_entities=[Entity.PERSON.value])
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
        people = [(e.start_char, e.end_char) for e in nlp_artifacts.entities if e.label_ in _PERSON_LABELS]
        names = _Names(text, split_words(text), self._lexicon)
        return [presidio_result(self, found) for found in names.find(people)]


class _Names:
    """The search through one text."""

    def __init__(self, text: str, words: list[Word], lists: Lexicon) -> None:
        self._text = text
        self._words = words
        self._places = lists.places
        self._products = lists.products
        small = sum(not word.title and not word.upper for word in words)
        self._monotone = small == len(words) or all(word.upper or word.initial for word in words)
        self._german = guess_language(words) == "de"
        # Title Case and German capitalize nouns: then a capital says little.
        self._capitals_tell = not self._monotone and small * 2 >= len(words)

    def find(self, people: list[tuple[int, int]]) -> Iterator[Found]:
        taken = set()
        for first, last, score in (*self._runs(), *self._triggered(), *self._model(people)):
            span = self._words[first].start, self._words[last].end
            if span not in taken:
                taken.add(span)
                yield Found(*span, Entity.PERSON, score)

    def _gap(self, left: int) -> str:
        return self._text[self._words[left].end : self._words[left + 1].start]

    def _joined(self, left: int) -> bool:
        """Whether the word after this one may belong to the same name."""
        return left + 1 < len(self._words) and _INNER_GAP.fullmatch(self._gap(left)) is not None

    def _cased(self, word: Word) -> bool:
        """Whether its writing allows it to be a name."""
        return self._monotone or word.title or word.upper or word.initial

    def _nameable(self, word: Word) -> bool:
        """Whether it may be a part of a name that other words prove."""
        if word.digits and not word.strong:
            return False
        if word.strong:
            return True
        if word.named or word.unknown or word.initial:
            return self._cased(word) and (
                word.unknown or word.initial or not self._monotone or not word.known or word.named
            )
        return False

    def _thing(self, word: Word) -> bool:
        return word.key in self._places or word.key in self._products or word.key in _CALENDAR

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
        """Whether a capitalized word is a family name by standing after a given name: `Bridget Fairweather`."""
        given, word = self._words[left], self._words[right]
        return (
            self._capitals_tell
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
        head, rest = words[0], words[1:]
        if not rest:
            return False
        if all(self._thing(word) or word.initial for word in words) or (
            " ".join(word.key for word in words) in self._places
        ):
            return False
        gap = self._gap(first)
        spaced = gap.strip(" ") == ""
        if head.strong and not (self._thing(head) and not any(w.strong for w in rest)):
            return any(
                word.named or word.initial or (word.unknown and _latin(word.key)) for word in rest
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
        ):
            for _, label in phrases.find(self._text, self._words):
                first = label + 1
                if first < len(self._words) and gap.fullmatch(self._gap(label)):
                    yield from self._after(first, phrases)
        for index, word in enumerate(self._words):
            if word.key in _SPEAKS and index and self._gap(index - 1) == " ":
                yield from self._before_verb(index - 1)
            elif _DASH_BEFORE.search(self._text, max(0, word.start - 4), word.start):
                yield from self._after(index, _SIGN_OFFS)

    def _after(self, first: int, trigger: Phrases) -> Iterator[tuple[int, int, float]]:
        """The name that begins at a word which such a phrase introduces."""
        while self._words[first].key in _TITLES and first + 1 < len(self._words) and self._joined(first):
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
                or word.initial
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
        if all(self._thing(word) for word in words):
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
        if trigger is _RELATIONS:
            if self._capitals_tell:
                return all(
                    word.title or word.upper or word.particle or word.initial for word in words
                ) and any(word.given is not None or word.strong for word in words)
            return closed and strong
        if strong:
            return True
        if len(words) > 1:
            return all(word.named or word.unknown or word.particle for word in words)
        return closed and (words[0].given is not None or words[0].unknown)

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
            if len(words) > 1 or words[0].given is not None and words[0].given <= Commonness.RARE_WORD:
                yield first, last, 0.6
        elif len(words) >= 2 and words[0].given is not None and all(word.named for word in words):
            yield first, last, 0.6

    def _model(self, people: list[tuple[int, int]]) -> Iterator[tuple[int, int, float]]:
        """The model's people, as far as the lists do not deny them."""
        for start, end in people:
            inside = [
                index for index, word in enumerate(self._words) if word.start < end and word.end > start
            ]
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
            last = inside[-1]
            if self._gap_is_name(last):
                last = self._extended(last)
            yield inside[0], last, 0.85

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


def _latin(key: str) -> bool:
    return bool(key) and key[0] < "\u0370"
