"""Numbers that a label calls a national id, passport, licence, bank account or card, in many languages."""

import re
from collections.abc import Iterator
from typing import ClassVar, Final

from service.detection.phrases import Phrases
from service.detection.recognizers.rule import Found, RuleRecognizer
from service.detection.words import split_words
from service.policy.entities import Entity


def _phrases(lines: str) -> Phrases:
    return Phrases(phrase.strip() for line in lines.splitlines() for phrase in line.split("|"))


_LABELS: Final = {
    Entity.PASSPORT: _phrases(
        """passport|reisepass|reisepassnummer|passnummer|pass nr|passeport|pasaporte|passaporte|passaporto|paspoort
        paspoortnummer|passnumber|pas|paszport|paszportu|útlevél|pașaport|pasaport|cestovní pas|паспорт|паспорта|загранпаспорт
        διαβατήριο|διαβατηρίου|جواز|جواز السفر|דרכון|पासपोर्ट|hộ chiếu|paspor"""
    ),
    Entity.DRIVING_LICENCE: _phrases(
        """driver's license|drivers license|driver license|driver's licence|driving licence|driving license|licence number|license number
        dl|führerschein|führerscheinnummer|permis de conduire|licencia de conducir|carnet de conducir|carta de condução|cnh
        patente|patente di guida|rijbewijs|rijbewijsnummer|körkort|førerkort|kørekort|ajokortti|prawo jazdy|ehliyet
        водительское удостоверение|права|sim nomor"""
    ),
    Entity.NATIONAL_ID: _phrases(
        """ssn|social security|social security number|sin|itin|tin|tfn|ein|tax id|tax number|tax file number|national id|national insurance
        nino|ni number|nhs|nhs number|id card|identity card|id number|identity number|steuer id|steuerid|steueridentifikationsnummer|steuernummer
        steuer identifikationsnummer|sozialversicherungsnummer|sozialversicherung|rentenversicherungsnummer|personalausweis|personalausweisnummer|ausweis|ausweisnummer|krankenversicherungsnummer|ahv nummer|ahv|avs
        numéro de sécurité sociale|numéro de sécu|sécurité sociale|sécu|nir|carte d'identité|cni|dni|nie|nif|cif|seguridad social|curp
        rfc personal|rut|run|cédula|cuit|cuil|cpf|rg|cnpj|pis|niss|cartão de cidadão|codice fiscale|carta d'identità|partita iva|bsn
        burgerservicenummer|rijksregisternummer|personnummer|samordningsnummer|fødselsnummer|cpr|cpr nummer|henkilötunnus|hetu|pesel|nip|dowód
        dowód osobisty|rodné číslo|cnp|személyi szám|személyi|adóazonosító|tc kimlik|tc kimlik no|kimlik|tckn|aadhaar|aadhar|pan card|voter id|nric|fin number|mykad
        nik|ktp|cccd|cmnd|nin|bvn|sa id|hkid|rrn|снилс|инн|αφμ|αμκα|الهوية|رقم الهوية|الرقم القومي|תעודת זהות|आधार|medicare|medicaid
        insurance id|insurance number|patient id|member id|employee id|personal id|personal number|citizen id|matricule|mat nr"""
    ),
    Entity.BANK_ACCOUNT: _phrases(
        """bank account|account number|account no|account nr|acct|acct no|a c no|sort code|routing|routing number|aba|iban|bic|swift code|bsb|ifsc
        kontonummer|konto|konto nr|blz|bankleitzahl|bankverbindung|numéro de compte|compte bancaire|rib|número de cuenta|cuenta|cuenta bancaria|clabe|cbu
        conta|conta corrente|conta bancária|agência|conto corrente|conto|rekeningnummer|rekening|numer konta|nrb|číslo účtu|hesap no|hesap
        расчетный счет|расчётный счёт|номер счета|счет|счёт|compte"""
    ),
    Entity.CREDIT_CARD: _phrases(
        """credit card|debit card|card number|card no|kreditkarte|kreditkartennummer|carte bancaire|carte bleue|carte de crédit|tarjeta|tarjeta de crédito
        cartão|cartão de crédito|carta di credito|creditcard|creditcardnummer|kortnummer|kontokort|карта|карты|карту|visa|mastercard|amex|maestro"""
    ),
}
#: Labels of scripts without spaces.
_UNSPACED: Final = {
    Entity.PASSPORT: re.compile("护照(?:号码?)?|護照|パスポート(?:番号)?|旅券番号|여권(?:번호)?|หนังสือเดินทาง"),
    Entity.DRIVING_LICENCE: re.compile("驾照|驾驶证|運転免許証?|운전면허"),
    Entity.NATIONAL_ID: re.compile("身份证(?:号码?)?|身分證|マイナンバー|個人番号|주민등록번호|บัตรประชาชน"),
    Entity.BANK_ACCOUNT: re.compile("银行(?:账号|卡号)|账号|帳號|口座番号|계좌(?:번호)?|บัญชี"),
    Entity.CREDIT_CARD: re.compile("信用卡|クレジットカード(?:番号)?|카드번호"),
}
#: From a label to its number: marks and a few words such as `number is`.
_VALUE: Final = re.compile(
    r"[\"'\\]{0,3}[ :=#.,(：-]{0,3}(?:(?:number|numbers|num|no|nr|id|code|is|was|ist|lautet|est|es|é|è|numéro|número|numero|nummer|номер"
    r"|my|the|card|of|with|for|de|du|der|to|n[°º]|№|は|是|为|은|는)[ :=#.(\"'\\：]{0,4}){0,4}[\"'\\]{0,2}"
    r"(?<![A-Za-z0-9])(?P<value>[A-Z]{0,6}[ -]?\d(?:[ ./-]?[A-Z0-9]){3,29})(?![A-Za-z0-9])",
    re.IGNORECASE,
)
_CARD_CODE_LABELS: Final = _phrases(
    "cvv|cvc|csc|cvn|prüfnummer|kartenprüfnummer|security code|card code|cryptogramme"
)
_CARD_CODE: Final = re.compile(
    r"2?[\"'\\]{0,3} ?(?:[:=#]|is|was|ist)? ?[\"'\\]{0,3}(?P<value>\d{3,4})(?!\d)", re.IGNORECASE
)
_FEWEST_DIGITS: Final = 4


class LabelledNumberRecognizer(RuleRecognizer):
    """Finds numbers by what they are called."""

    entities: ClassVar = tuple(_LABELS)

    def find(self, text: str) -> Iterator[Found]:
        """The number alone; its label stays."""
        if not any(char.isdigit() for char in text):
            return
        words = split_words(text)
        for entity, phrases in _LABELS.items():
            ends = [words[last].end for _, last in phrases.find(text, words)]
            if not text.isascii():
                ends += [match.end() for match in _UNSPACED[entity].finditer(text)]
            for end in ends:
                match = _VALUE.match(text, end)
                if match:
                    value = _trimmed(match["value"])
                    if sum(char.isdigit() for char in value) >= _FEWEST_DIGITS:
                        yield Found(match.start("value"), match.start("value") + len(value), entity, 0.9)
        for _, last in _CARD_CODE_LABELS.find(text, words):
            match = _CARD_CODE.match(text, words[last].end)
            if match:
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
