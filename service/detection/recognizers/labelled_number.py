"""Numbers that a label calls a national id, passport, licence, bank account or card, in many languages."""

import re
from collections.abc import Iterator
from typing import ClassVar, Final

from service.detection.recognizers.rule import Found, RuleRecognizer
from service.policy.entities import Entity

#: A number as written after its label: letters only with digits, groups with single separators.
_VALUE: Final = r"(?P<value>[A-Z]{0,4}[ -]?\d(?:[ ./-]?[A-Z0-9]){3,29})"
_LINK: Final = r"(?:[\"'\\]{0,2}[ :=#.,(-]{0,3}(?:\b(?:number|numbers|num|no|nr|n°|nº|id|code|is|was|ist|lautet|est|es|é|è|numéro|número|numero|nummer|my|the|card|of|with|for|de|du|der)\b\.?[ :=#.(\"'\\]{0,3}){0,3}[\"'\\]{0,2})"

_LABELS: Final = {
    Entity.PASSPORT: (
        r"passport|reisepass|reisepassnummer|passnummer|passeport|pasaporte|passaporte|passaporto|paspoort|paspoortnummer|passi|paszport|útlevél|pașaport|pasaport|паспорт|загранпаспорт|διαβατήριο|جواز(?: السفر)?|דרכון|पासपोर्ट|护照|護照|パスポート|旅券|여권|hộ chiếu|paspor"
    ),
    Entity.DRIVING_LICENCE: (
        r"driver'?s?[ _-]licen[cs]e|driving[ _-]licen[cs]e|\bdl\b|führerschein|führerscheinnummer|permis de conduire|licencia de conducir|carnet de conducir|carta de condução|\bcnh\b|patente(?: di guida)?|rijbewijs|körkort|førerkort|kørekort|ajokortti|prawo jazdy|ehliyet|водительское|driving license|驾照|驾驶证|運転免許|운전면허"
    ),
    Entity.NATIONAL_ID: (
        r"\bssn\b|social[ _-]security|\bsin\b|\bitin\b|\btin\b|\btfn\b|\bein\b|tax[ _-](?:id|number|file)|national[ _-](?:id|insurance)|\bnino\b|\bni number|\bnhs\b|id[ _-]card|identity[ _-]card|\bid no\b|steuer(?:-| )?id|steueridentifikationsnummer|steuernummer|sozialversicherung(?:snummer)?|personalausweis(?:nummer)?|ausweis(?:nummer)?|krankenversicherung(?:snummer)?"
        r"|numéro de sécu(?:rité sociale)?|sécurité sociale|\bsécu\b|\bnir\b|carte d'identité|\bcni\b|\bdni\b|\bnie\b|\bnif\b|\bcif\b|seguridad social|\bcurp\b|\brfc\b|\brut\b|\brun\b|cédula|cedula|\bcuit\b|\bcuil\b|\bcpf\b|\brg\b|\bcnpj\b|\bpis\b|\bniss\b|cartão de cidadão|codice fiscale|carta d'identità|partita iva|\bbsn\b|burgerservicenummer|rijksregisternummer|personnummer|samordningsnummer|fødselsnummer|\bcpr\b|henkilötunnus|hetu|\bpesel\b|\bnip\b|dowód|rodné číslo|\bcnp\b|személyi|adóazonosító|tc ?kimlik|kimlik|\btckn\b|\bahv\b|\bavs\b"
        r"|aadhaar|aadhar|\bpan\b(?: card)?|voter id|\bnric\b|\bfin\b|\bmykad\b|\bnik\b|\bktp\b|\bcccd\b|\bcmnd\b|\bnin\b|\bbvn\b|\bsa id\b|\bhkid\b|\brrn\b|снилс|инн|ιδιωτικός|αφμ|αμκα|الهوية|رقم الهوية|الرقم القومي|תעודת זהות|ת\.ז|आधार|身份证(?:号|号码)?|身分證|マイナンバー|주민등록번호|medicare|medicaid|insurance (?:id|number|no)|patient id|member id|employee id"
    ),
    Entity.BANK_ACCOUNT: (
        r"bank[ _-]account|account[ _-](?:number|no|nr|#)|acct|\baccount\b(?= \d{6})|sort[ _-]code|routing|\baba\b|\biban\b|\bbic\b|\bswift\b|\bbsb\b|\bifsc\b|kontonummer|\bkonto\b|\bblz\b|bankleitzahl|bankverbindung|numéro de compte|compte bancaire|\brib\b|número de cuenta|cuenta(?: bancaria)?|\bclabe\b|\bcbu\b|conta(?: corrente| bancária)?|agência|conto(?: corrente)?|rekeningnummer|rekening|numer konta|\bnrb\b|číslo účtu|hesap|расч[её]тный сч[её]т|счет|银行(?:账号|卡号)|账号|口座番号|계좌"
    ),
    Entity.CREDIT_CARD: (
        r"credit[ _-]card|debit[ _-]card|card[ _-](?:number|no|ending)|\bcvv2?\b|\bcvc2?\b|\bcsc\b|kreditkarte(?:nnummer)?|prüfnummer|carte (?:bancaire|bleue|de crédit)|tarjeta|cartão|carta di credito|creditcard|kartnummer|kontokort|карт[аыу]|信用卡|クレジットカード|\bpan\b(?==)"
    ),
}
_PATTERNS: Final = tuple(
    (entity, re.compile(rf"(?:{labels}){_LINK}(?<![A-Za-z0-9]){_VALUE}(?![A-Za-z0-9])", re.IGNORECASE))
    for entity, labels in _LABELS.items()
)
_CARD_CODE: Final = re.compile(
    r"\b(?:cvv2?|cvc2?|csc|prüfnummer|security code)[ :=#]{0,3}(?:is |was )?(?P<value>\d{3,4})\b",
    re.IGNORECASE,
)


class LabelledNumberRecognizer(RuleRecognizer):
    """Finds numbers by what they are called."""

    entities: ClassVar = tuple(_LABELS)

    def find(self, text: str) -> Iterator[Found]:
        """The number alone; its label stays."""
        if not any(char.isdigit() for char in text):
            return
        for entity, pattern in _PATTERNS:
            for match in pattern.finditer(text):
                value = _trimmed(match["value"])
                if sum(char.isdigit() for char in value) >= 4:
                    yield Found(match.start("value"), match.start("value") + len(value), entity, 0.9)
        for match in _CARD_CODE.finditer(text):
            yield Found(*match.span("value"), Entity.CREDIT_CARD, 0.9)


def _trimmed(value: str) -> str:
    """The value without the words that follow it: groups without a digit at the end, but for a check letter."""
    groups = re.split(r"(?<=[ ./-])", value)
    while (
        len(groups) > 1
        and not any(char.isdigit() for char in groups[-1])
        and len(groups[-1].strip(" ./-")) != 1
    ):
        groups.pop()
    return "".join(groups).rstrip(" ./-")
