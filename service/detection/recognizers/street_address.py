"""Street addresses: a street's name with a house number, and post codes that lead to a street."""

import re
from collections.abc import Iterator
from typing import ClassVar, Final

from service.detection.recognizers.rule import Found, RuleRecognizer
from service.policy.entities import Entity

_NAME: Final = r"[^\W\d_][^\W\d_.'-]*(?:['-][^\W\d_]+)*\.?"
_UNIT: Final = r"(?:,? {1,2}(?:#|no\.?|apt\.?|apartment|suite|ste\.?|unit|flat|floor|fl\.?|room|rm\.?|bldg\.?|building|piso|depto\.?|apto\.?|int\.?|bus|etg|og|appt?\.?|wohnung|whg\.?) ?[\w-]{1,6})?"
_ENGLISH_KIND: Final = (
    r"(?:street|st|avenue|ave|av|road|rd|boulevard|blvd|lane|ln|drive|dr|court|ct|place|pl|square|sq|crescent|cres|close|terrace|ter|way|parkway|pkwy|circle|cir|highway|hwy"
    r"|trail|trl|alley|row|mews|gardens|gdns|grove|hill|walk|wharf|quay|green|rise|vale|loop|plaza|esplanade|parade|view|heights|manor|path|pike|turnpike|bend|cove|crossing|ridge|run|point)"
)
#: Number first: English-speaking countries, and French.
_NUMBER_FIRST: Final = re.compile(
    rf"(?<![\w/.:-])\d{{1,5}}(?:[A-Za-z]|[-/]\d{{1,4}}[A-Za-z]?)? (?:(?:[NSEW]|NE|NW|SE|SW|North|South|East|West|Old|New|Upper|Lower|St\.?|Saint)\.? )?"
    rf"(?:{_NAME} |\d{{1,3}}(?:st|nd|rd|th) ){{1,4}}{_ENGLISH_KIND}\b\.?(?: (?:N|S|E|W|NE|NW|SE|SW)\b)?{_UNIT}",
    re.IGNORECASE,
)
_FRENCH: Final = re.compile(
    rf"(?<![\w/.:-])\d{{1,4}}(?: ?(?:bis|ter|quater|[a-d]))?,? (?:rue|avenue|av\.|boulevard|bd\.?|blvd|place|impasse|allée|allee|chemin|quai|cours|passage|square|route|faubourg|villa|cité|sentier|ruelle|chaussée|chaussee)"
    rf" (?:{_NAME}[ -]?){{1,6}}",
    re.IGNORECASE,
)
#: Kind first, number last: Romance languages, Polish, Turkish, Indonesian, Arabic transcriptions.
_KIND_FIRST: Final = re.compile(
    rf"(?<!\w)(?:c/|calle|cl\.|av\.|avda\.?|avenida|paseo|pº|plaza|pza\.?|carrera|cra\.?|kr\.?|travesía|ronda|camino|carretera|rúa|rua|r\.|travessa|praça|largo|alameda|rodovia|estrada|via|viale|v\.le|piazza|p\.zza|corso|vicolo|largo|strada|str\.|strada|bulevardul|bd\.|aleea|ul\.|ulica|ulice|al\.|aleja|os\.|ulitsa|улица|ул\.|проспект|пр-т|вулиця|вул\.|jalan|jl\.|rue|straat|cadde|caddesi|sokak|οδός)"
    rf" ?(?:{_NAME}[ ,]{{1,2}}){{1,6}}(?:(?:n[º°o.]{{0,2}}|nr\.?|num\.?|número|numero|#|km|д\.|дом|буд\.) ?)?\d{{1,5}}(?: ?[A-Za-z]\b|[-/]\d{{1,4}}[A-Za-z]?)?(?:, ?\d{{1,2}}[º°ªa-z]{{0,2}}(?: ?[A-Z]\b)?)?{_UNIT}",
    re.IGNORECASE,
)
#: Germanic and Nordic: the kind is the name's end, the number follows.
_COMPOUND: Final = re.compile(
    rf"(?<!\w)(?:{_NAME}[ -]){{0,3}}?(?:[^\W\d_]*(?:straße|strasse|str\.|gasse|platz|allee|ring|damm|ufer|chaussee|steig|stieg|graben|weg|straat|laan|gracht|plein|kade|singel|dijk|dreef|steeg|gatan|gata|vägen|väg|gränd|torg|backen|stigen|veien|vei|gate|gaten|plass|vej|gade|allé|stræde|vænget|katu|tie|kuja|polku|utca|út|útja|tér|körút|caddesi|cad\.|sokak|sok\.|sokağı|bulvarı)|(?:Straße|Strasse|Str\.|Weg|Platz|Allee|Gasse|Ring|Ufer|Damm|Road|Street))"
    rf",? (?:(?:nr|no)\.? ?:? ?)?\d{{1,4}}(?: ?[a-zA-Z]\b)?(?: ?[-/] ?\d{{1,4}}[a-zA-Z]?)?(?!\d|[.:]\d|%| ?(?:%|ms|s|mb|gb|euro|eur|€|\$|usd|prozent|procent|times|mal|x)\b){_UNIT}",
    re.IGNORECASE,
)
_PO_BOX: Final = re.compile(
    r"\b(?:p\.? ?o\.? ?box|post(?:fach|bus|boks|box)|apartado(?: postal)?|caixa postal|casella postale|boîte postale|bp)[ :#]{1,3}\d[\d ]{1,8}\d?\b",
    re.IGNORECASE,
)
#: UK (BS 7666), Canadian, Dutch and Irish codes: each means a few houses.
_POST_CODE: Final = re.compile(
    r"(?<![\w-])(?:(?:[A-PR-UWYZ][A-HK-Y]?\d[\dA-HJKMNPR-Y]?) ?\d[ABD-HJLN-UW-Z]{2}|[ABCEGHJ-NPRSTVXY]\d[A-Z] \d[A-Z]\d|[1-9]\d{3} ?(?!SA|SD|SS)[A-Z]{2}(?= [A-Z][a-z])|[A-Y]\d[\dW] [A-Z0-9]{4})(?![\w-])"
)
_JAPANESE: Final = re.compile(
    r"(?:〒\d{3}-?\d{4} ?)?[\u3400-\u9fff]{1,4}[都道府県市区町村][\u3040-\u30ff\u3400-\u9fff]{1,12}\d{1,4}(?:-\d{1,4}|丁目|番地?|号){1,4}"
)
_CHINESE: Final = re.compile(
    r"[\u3400-\u9fff]{2,12}[路街道巷弄]\d{1,5}[号號](?:[\u3400-\u9fff\d]{0,10}[室楼樓层號])?"
)
_NO_STREET: Final = re.compile(
    r"\d+ (?:more |few |first |other |different |minutes? |hours? |days? |seconds? |ms |times |of |on |in |the |a |to |and |or |for |per |is |are |was |at |by |with |from |seats? |users? |requests? |errors? |pages? |tokens? |rows? |items? |files? |people )",
    re.IGNORECASE,
)


class StreetAddressRecognizer(RuleRecognizer):
    """Finds where somebody lives."""

    entities: ClassVar = (Entity.STREET_ADDRESS,)

    def find(self, text: str) -> Iterator[Found]:
        """Streets with numbers; places by themselves are left alone."""
        if not any(char.isdigit() for char in text):
            return
        for pattern in (_NUMBER_FIRST, _FRENCH, _KIND_FIRST, _COMPOUND, _PO_BOX, _JAPANESE, _CHINESE):
            for match in pattern.finditer(text):
                if not _NO_STREET.match(match[0]):
                    yield Found(match.start(), match.end(), Entity.STREET_ADDRESS, 0.8)
        for match in _POST_CODE.finditer(text):
            yield Found(match.start(), match.end(), Entity.STREET_ADDRESS, 0.6)
