"""Each recognizer on what it is for, and on what merely looks like it."""

import pytest

from service.detection.recognizers.birth_date import BirthDateRecognizer
from service.detection.recognizers.card_number import CardNumberRecognizer
from service.detection.recognizers.coordinates import CoordinatesRecognizer
from service.detection.recognizers.credential import CredentialRecognizer
from service.detection.recognizers.email_address import EmailAddressRecognizer
from service.detection.recognizers.home_folder import HomeFolderRecognizer
from service.detection.recognizers.labelled_number import LabelledNumberRecognizer
from service.detection.recognizers.national_id import NationalIdRecognizer
from service.detection.recognizers.person_east_asian import EastAsianPersonRecognizer
from service.detection.recognizers.phone_number import PhoneNumberRecognizer
from service.detection.recognizers.rule import RuleRecognizer
from service.detection.recognizers.secret_token import SecretTokenRecognizer
from service.detection.recognizers.social_handle import SocialHandleRecognizer
from service.detection.recognizers.spelled_out import SpelledOutRecognizer
from service.detection.recognizers.street_address import StreetAddressRecognizer
from service.detection.scan import Scan

FOUND: list[tuple[type[RuleRecognizer], str, str]] = [
    (EmailAddressRecognizer, "to a@host.internal, ok", "a@host.internal"),
    (EmailAddressRecognizer, "x@[192.0.2.1] bounced", "x@[192.0.2.1]"),
    (EmailAddressRecognizer, '"odd one"@example.org', '"odd one"@example.org'),
    (EmailAddressRecognizer, "用户@例子.example", "用户@例子.example"),
    (EmailAddressRecognizer, "ann [at] example [dot] org", "ann [at] example [dot] org"),
    (EmailAddressRecognizer, "ann arroba example punto org", "ann arroba example punto org"),
    (PhoneNumberRecognizer, "ring 0151 / 23456789 now", "0151 / 23456789"),
    (PhoneNumberRecognizer, "+44 20 7946 0958", "+44 20 7946 0958"),
    (PhoneNumberRecognizer, "tel:+41446681800;ext=4 x", "+41446681800"),
    (PhoneNumberRecognizer, "手机 13912345678", "13912345678"),
    (StreetAddressRecognizer, "at 48 Larkspur Crescent, Bristol", "48 Larkspur Crescent"),
    (StreetAddressRecognizer, "Lindenstraße 27a, Berlin", "Lindenstraße 27a"),
    (StreetAddressRecognizer, "8 bis rue des Tilleuls", "8 bis rue des Tilleuls"),
    (StreetAddressRecognizer, "ul. Długa 5, Łódź", "ul. Długa 5"),
    (StreetAddressRecognizer, "〒160-0022", "〒160-0022"),
    (StreetAddressRecognizer, "to 31 Bianchi Loop", "31 Bianchi Loop"),
    (StreetAddressRecognizer, "842 Young Walks", "842 Young Walks"),
    (StreetAddressRecognizer, "9 Valley Point, Leeds", "9 Valley Point"),
    (StreetAddressRecognizer, "we moved to 14 Ocean View", "14 Ocean View"),
    (BirthDateRecognizer, "born on 14/03/1987 in", "14/03/1987"),
    (BirthDateRecognizer, '"dateOfBirth":"1987-03-14"', "1987-03-14"),
    (BirthDateRecognizer, "生年月日は1987年3月14日", "1987年3月14日"),
    (NationalIdRecognizer, "536-22-8841", "536-22-8841"),
    (NationalIdRecognizer, "2 87 03 75 116 042 32", "2 87 03 75 116 042 32"),
    (NationalIdRecognizer, "529.982.247-25", "529.982.247-25"),
    (NationalIdRecognizer, "12345678Z", "12345678Z"),
    (LabelledNumberRecognizer, "passport no. X4728193 was", "X4728193"),
    (LabelledNumberRecognizer, "passport no. C4TRTB8HF was", "C4TRTB8HF"),
    (PhoneNumberRecognizer, "scan_+442079460958_2.png", "+442079460958"),
    (LabelledNumberRecognizer, "Steuer-ID: 86 095 742 719", "86 095 742 719"),
    (LabelledNumberRecognizer, "CVV is 123", "123"),
    (LabelledNumberRecognizer, "her driver's license D1234567", "D1234567"),
    (LabelledNumberRecognizer, "plate KAT 4", "KAT 4"),
    (LabelledNumberRecognizer, "my sin 046454286", "046454286"),
    (LabelledNumberRecognizer, "run: 12345678", "12345678"),
    (SecretTokenRecognizer, "AKIAQ7ZLM2X4T5WPN3RD", "AKIAQ7ZLM2X4T5WPN3RD"),
    (SecretTokenRecognizer, "Bearer 7f3kQ9zLm2Xw8Rt5", "7f3kQ9zLm2Xw8Rt5"),
    (SecretTokenRecognizer, "x eyJhbGciOiJIUzI1NiJ9.e30.c2ln y", "eyJhbGciOiJIUzI1NiJ9.e30.c2ln"),
    (
        SecretTokenRecognizer,
        "-----BEGIN PRIVATE KEY-----\nAB\n-----END PRIVATE KEY-----",
        "-----BEGIN PRIVATE KEY-----\nAB\n-----END PRIVATE KEY-----",
    ),
    (CredentialRecognizer, "password: hunter2!", "hunter2!"),
    (CredentialRecognizer, "mot de passe est Soleil99", "Soleil99"),
    (CredentialRecognizer, "postgres://u_rep:p@ss/w@db/x".replace("/w", "w"), "p@ssw"),
    (HomeFolderRecognizer, "open '/home/ewa.z/x'", "ewa.z"),
    (HomeFolderRecognizer, "C:\\\\Users\\\\Annalisa\\\\x", "Annalisa"),
    (CoordinatesRecognizer, "at 48.858370, 2.294481", "48.858370, 2.294481"),
    (CoordinatesRecognizer, "lat: 48.8583", "48.8583"),
    (SocialHandleRecognizer, "dm @quill_fan", "@quill_fan"),
    (SocialHandleRecognizer, "https://github.com/quillfan", "quillfan"),
    (CardNumberRecognizer, "paid with 2223 0031 2200 3222 today", "2223 0031 2200 3222"),
    (CardNumberRecognizer, "my card 676311982018 is lost", "676311982018"),
    (CardNumberRecognizer, "4000000000000000006", "4000000000000000006"),
    (
        SpelledOutRecognizer,
        "call five five five, oh one double four two",
        "five five five, oh one double four two",
    ),
    (SpelledOutRecognizer, "spelled t-o-m-e-k", "t-o-m-e-k"),
    (SpelledOutRecognizer, "it is W A L B U R G A", "W A L B U R G A"),
    (LabelledNumberRecognizer, "Kennzeichen: HH-QX 2207", "HH-QX 2207"),
    (LabelledNumberRecognizer, "employee number QF-2231-88 left", "QF-2231-88"),
    (StreetAddressRecognizer, "9312 Petunia Forge Apt. 12, Springfield", "9312 Petunia Forge Apt. 12"),
    (StreetAddressRecognizer, "we moved to 71/91, Harbour Zila", "71/91, Harbour Zila"),
    (StreetAddressRecognizer, "Calzada Pedregal 926", "Calzada Pedregal 926"),
    (BirthDateRecognizer, "b. 22.07.1968 says the form", "22.07.1968"),
    (PhoneNumberRecognizer, "010-5550-7788로 연락", "010-5550-7788"),
    (PhoneNumberRecognizer, "lead_tel=0835550174&x=1", "0835550174"),
    (EastAsianPersonRecognizer, "请找张伟明,谢谢", "张伟明"),
    (EastAsianPersonRecognizer, "田中さんから", "田中"),
    (EastAsianPersonRecognizer, "김민수님이", "김민수"),
]
QUIET: list[tuple[type[RuleRecognizer], str]] = [
    (StreetAddressRecognizer, "HTTP 502 Bad Gateway"),
    (StreetAddressRecognizer, "Page 9 Data Flow Point"),
    (StreetAddressRecognizer, "we moved to 3 Main Tabs"),
    (LabelledNumberRecognizer, "run 20240112 failed"),
    (LabelledNumberRecognizer, "das ist ein 2024 Update"),
    (EmailAddressRecognizer, "look at example pages, dot by dot; crashed at Chart.load, at main.js"),
    (PhoneNumberRecognizer, "build 20261103.7, v2.14.0, 2026-11-03, order 3617931688132846"),
    (PhoneNumberRecognizer, "1 200 000 tokens, 10.0.19045, 14:05 to 15:20"),
    (StreetAddressRecognizer, "12 more users on the way, 3 requests in a row, Umsatz 30 %"),
    (BirthDateRecognizer, "invoice of 2026-03-14"),
    (NationalIdRecognizer, "529.982.247-26 and 12345678A"),
    (LabelledNumberRecognizer, "my passport expired in May"),
    (SecretTokenRecognizer, "request 0a2f7c4e-62b7-4c1a-9ed7-4b2955ec309d via /docs/api/chat-completions"),
    (SecretTokenRecognizer, "the api key page, token counter, llama-3.1-70b"),
    (CredentialRecognizer, "password reset link; the password is required"),
    (HomeFolderRecognizer, "/home/ubuntu/x, /Users/runner/y, C:\\Users\\Public\\z"),
    (CoordinatesRecognizer, "from 2.5, 3.75 to 12.125"),
    (SocialHandleRecognizer, "@angular/core and @here"),
    (CardNumberRecognizer, "order 4000000000000000, trace 1764000000000, ref 676311982018"),
    (SpelledOutRecognizer, "a b c d e f g, steps one two three, plan A - B - C"),
    (StreetAddressRecognizer, "5 Users, 3 Key Results are missing, 12 Points"),
    (EmailAddressRecognizer, "react@19.1.0 and eslint@9 in the lock file"),
    (EastAsianPersonRecognizer, "グラフが表示されません。再読み込みすると直ります"),
]


def _found(recognizer: type[RuleRecognizer], text: str) -> list[str]:
    return [text[found.start : found.end] for found in recognizer().find(Scan(text))]


@pytest.mark.parametrize(("recognizer", "text", "stretch"), FOUND)
def test_found(recognizer: type[RuleRecognizer], text: str, stretch: str) -> None:
    assert stretch in _found(recognizer, text)


@pytest.mark.parametrize(("recognizer", "text"), QUIET)
def test_quiet(recognizer: type[RuleRecognizer], text: str) -> None:
    assert _found(recognizer, text) == []
