"""An event's own identity values, in all the forms people and programs give them."""

import base64

import pytest

from service.detection.known_values import KnownValues, probed
from service.events.json_value import JsonObject
from service.policy.plan import CompiledPolicy, IdentityField
from tests.identities import known_values_of

BODY: JsonObject = {
    "userId": "usr_8842kq",
    "traits": {
        "name": "Ottilie Brandner",
        "email": "o.brandner+news@example.org",
        "phone": "+1 (206) 555-0142",
        "username": "pumpkinpie88",
    },
}
FIELDS = (
    IdentityField(("userId",), "identifier.user"),
    IdentityField(("traits", "name"), "person.name"),
    IdentityField(("traits", "email"), "contact.email"),
    IdentityField(("traits", "phone"), "contact.phone"),
    IdentityField(("traits", "username"), "person.username"),
)
MAIL = "o.brandner+news@example.org"


def test_a_url_with_an_at_sign_is_no_address_and_its_host_no_mailbox() -> None:
    known = _known({"properties": {"link": "https://example.org/@quillfeather"}})
    assert known.spans("see https://example.org/docs") == ()


def _known(body: JsonObject, *fields: IdentityField) -> KnownValues:
    return known_values_of(body, fields)


def _stretches(known: KnownValues, text: str) -> list[str]:
    assert known.may_stand_in([probed([text])]) or known.spans(text) == ()
    return [text[span.start : span.end] for span in known.spans(text)]


@pytest.mark.parametrize(
    ("text", "stretch"),
    [
        ("hi, ottilie brandner here", "ottilie brandner"),
        ("BRANDNER, OTTILIE", "BRANDNER, OTTILIE"),
        ("cv_OttilieBrandner.pdf", "OttilieBrandner"),
        ("Brandner's key", "Brandner's"),
        ("ot\u200btilie", "ot\u200btilie"),
        ("Ｏｔｔｉｌｉｅ", "Ｏｔｔｉｌｉｅ"),
        (f"to {MAIL}", MAIL),
        ("o.brandner@elsewhere", "o.brandner"),
        ("m=o.brandner%2Bnews%40example.org", "o.brandner%2Bnews%40example.org"),
        ("206-555-0142", "206-555-0142"),
        ("5550142", "5550142"),
        ("tel:+12065550142", "+12065550142"),
        ("id USR_8842KQ", "USR_8842KQ"),
        ("pumpkinpie88 is mine", "pumpkinpie88"),
        (MAIL[::-1], MAIL[::-1]),
        (MAIL.encode().hex(), MAIL.encode().hex()),
    ],
)
def test_forms(text: str, stretch: str) -> None:
    assert stretch in _stretches(_known(BODY, *FIELDS), text)


@pytest.mark.parametrize("before", ["", "a", "ab", "abc"])
def test_base64_in_every_alignment(before: str) -> None:
    coded = base64.b64encode(f"{before}{MAIL}".encode()).decode()
    (stretch,) = _stretches(_known(BODY, *FIELDS), f"t={coded}")
    assert len(stretch) >= len(coded) - 8


@pytest.mark.parametrize(
    "text", ["the page is empty", "brandnerei", "usr_8842kqx", "55501423", "a pumpkin pie"]
)
def test_other_words_are_left_alone(text: str) -> None:
    assert _stretches(_known(BODY, *FIELDS), text) == []


def test_a_name_that_is_an_everyday_word_needs_a_capital_inside_a_sentence() -> None:
    known = _known({"traits": {"name": "Will Price"}}, FIELDS[1])
    assert _stretches(known, "Will this do? I will ask about the price") == []
    assert _stretches(known, "please ask Will") == ["Will"]
    assert _stretches(known, "will price") == ["will price"]


def test_unclassified_fields_count_by_their_looks() -> None:
    known = _known(
        {
            "properties": {
                "E-Mail": "ivo@petkov.example",
                "user": {"name": "Ivo Petkov"},
                "first name": "Nkechi",
                "deep": [{"mobile": 447911123456}],
                "plan": "enterprise",
            }
        }
    )
    for text in ("ivo@petkov.example", "Petkov", "Nkechi", "+44 7911 123456"):
        assert _stretches(known, f"x {text} y") == [text]
    assert _stretches(known, "the enterprise plan") == []


def test_role_mailboxes_and_plain_words_name_nobody() -> None:
    known = _known({"traits": {"email": "support@example.org", "username": "google"}}, FIELDS[2], FIELDS[4])
    assert _stretches(known, "support says: sign in with google") == []
    assert _stretches(known, "support@example.org") == ["support@example.org"]


def test_nothing_known_nothing_found(policy: CompiledPolicy) -> None:
    known = known_values_of({"a": None, "b": [1, True]}, policy.identity_fields)
    assert known.spans("anything") == ()
    assert not known.may_stand_in([probed(["anything"])])


def test_no_value_in_the_repr() -> None:
    assert "Ottilie" not in repr(_known(BODY, *FIELDS))


@pytest.mark.parametrize(
    ("url", "text", "found"),
    [
        ("https://c.example/p?email=brandner.otto%40example.org", "for Otto Brandner", ["Otto", "Brandner"]),
        ("/invite?invitee=Otto+Brandner&utm_source=x", "ask otto brandner", ["otto brandner"]),
        ("https://c.example/#/set?phone=%2B12065550142", "ring 206-555-0142", ["206-555-0142"]),
        ("?member=Otto%20Brandner", "Otto Brandner's seat", ["Otto Brandner's"]),
        ("https://c.example/p?plan=team&member=3", "team of 3", []),
        ("no address = no parameters", "no parameters", []),
    ],
)
def test_people_in_an_address_are_known_in_the_texts(url: str, text: str, found: list[str]) -> None:
    known = _known({"context": {"page": {"url": url}}})
    assert " ".join(_stretches(known, text)) == " ".join(found)


@pytest.mark.parametrize(
    "url",
    [
        "https://example.org/p?name=Ottilie+Brandner",
        "https://example.org/p?fname=Ottilie&lname=Brandner",
        "https://example.org/p?contact=Ottilie%2520Brandner",
        "https://example.org/p?email=ottilie.brandner%2540example.org",
        "https://example.org/p?next=%2Fx%3Fto%3Dottilie.brandner%2540example.org",
        "https://example.org/users/ottilie.brandner@example.org/keys",
        "https://example.org/p;mail=ottilie.brandner%40example.org/x",
        "https://ottilie.brandner@example.org/x",
        "name=Ottilie+Brandner",
        '{"mail":"ottilie.brandner@example.org"}',
    ],
)
def test_who_stands_in_a_url_is_known_in_texts(url: str) -> None:
    assert _stretches(_known({"context": {"page": {"url": url}}}), "that brandner again") == ["brandner"]


@pytest.mark.parametrize(
    ("user", "text", "stretches"),
    [
        ("u42", "user u42, not u421", ["u42"]),
        (7421, "customer 7421", ["7421"]),
        ("jdoe", "jdoe can't log in", ["jdoe"]),
        ("usr_8842kq", "usr-8842KQ and usr8842kq", ["usr-8842KQ", "usr8842kq"]),
        ("ab", "ab", []),
        (404, "error 404", []),
        ("u_1", "u 1", []),
        ("team", "the team", []),
    ],
)
def test_short_ids_and_other_separators(user: str | int, text: str, stretches: list[str]) -> None:
    known = _known({"userId": user}, IdentityField(("userId",), "identifier.user"))
    assert _stretches(known, text) == stretches


def test_a_key_too_long_for_the_cache_means_the_same() -> None:
    known = _known({"properties": {"of_the_branch_" * 8 + "phone": 447911123456}})
    assert _stretches(known, "call +44 7911 123456") == ["+44 7911 123456"]


def test_the_values_of_earlier_events_are_forgotten() -> None:
    other = _known({"userId": "usr_7731zz", "traits": {"name": "Ivo Petkov"}}, *FIELDS)
    again = _known(BODY, *FIELDS)
    assert _stretches(again, "Ivo Petkov, usr_7731zz, Ottilie Brandner") == ["Ottilie Brandner"]
    assert _stretches(other, "Ivo Petkov, usr_7731zz, Ottilie Brandner") == ["Ivo Petkov", "usr_7731zz"]
