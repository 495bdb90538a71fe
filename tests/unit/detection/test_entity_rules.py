"""A policy's thresholds, allow and deny lists: what they may spare, and what they never do."""

import base64
import json
import shutil
from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.detection.detector import Detector
from service.detection.entity_rules import EntityRules, Exempt, Exemption
from service.detection.spans import DENY_LIST, Span, merge
from service.policy import load
from service.policy.entities import GUESSED, Entity
from service.policy.plan import CompiledPolicy, EntityPolicy
from service.policy.vendor_names import VendorName
from service.pseudonyms.keyring import KeyRing
from service.sanitize.outcomes import Sent
from service.sanitize.sanitizer import Sanitizer
from tests.conftest import ROOT

ALLOWED, DENIED = "Madison theme", "Project Nightjar"
RULES = EntityRules(
    EntityPolicy(
        thresholds=((Entity.PERSON, 0.6),),
        allow=(ALLOWED, "Café Zoé", "李明软件"),
        deny=((DENIED, Entity.SECRET), ("Żabka", Entity.PERSON), ("陳大文", Entity.PERSON)),
    )
)
NO_RULES = EntityRules(EntityPolicy())


def person(text: str, name: str, score: float = 0.8, entity: Entity = Entity.PERSON) -> Span:
    start = text.index(name)
    return Span(start, start + len(name), entity, score, "test")


def denied(text: str) -> list[tuple[str, str]]:
    return [(text[span.start : span.end], span.entity) for span in RULES.settle(text, ())]


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("The Madison theme is broken", "Madison theme"),
        ("The Madison theme is broken", "Madison"),
        ("the MADISON  THEME", "MADISON"),
        ("Mаdison theme", "Mаdison"),  # a Cyrillic letter
        ("see cafe zoe", "zoe"),
        ("用李明软件吧", "李明"),
        ("the%20Madison%20theme", "Madison"),
    ],
)
def test_a_guess_within_an_allowed_phrase_does_not_count(text: str, name: str) -> None:
    assert RULES.settle(text, (person(text, name),)) == ()
    assert RULES.explain(text, (person(text, name),)).exempt == [
        Exempt(person(text, name), Exemption.ALLOW_LIST)
    ]


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Madison is here", "Madison"),  # only with `theme`
        ("Madison, theme", "Madison"),
        ("Madison-theme", "Madison"),
        ("Madisons theme", "Madisons"),
        ("the Madison themes", "Madison"),
        ("Ana Madison theme", "Ana Madison"),
        ("Madison theme Lima", "Madison theme Lima"),
    ],
)
def test_a_guess_that_covers_more_or_another_phrase_counts(text: str, name: str) -> None:
    assert RULES.settle(text, (person(text, name),)) == (person(text, name),)


def test_below_its_threshold_a_guess_does_not_count() -> None:
    low, level, street = (
        person("Ana Lima Bo", "Ana", 0.55),
        person("Ana Lima Bo", "Lima", 0.6),
        person("Ana Lima Bo", "Bo", 0.5, Entity.STREET_ADDRESS),
    )
    assert RULES.settle("Ana Lima Bo", (low, level, street)) == (level, street)
    assert RULES.explain("Ana Lima Bo", (low,)).exempt == [Exempt(low, Exemption.BELOW_THRESHOLD)]


def test_a_guess_that_does_not_count_hides_nothing() -> None:
    """Were it settled first which spans stand, the longer guess would take the e-mail address with it."""
    text = "madison theme ana@example.org"
    mail = person(text, "ana@example.org", 1.0, Entity.EMAIL_ADDRESS)
    weak = Span(0, len(text), Entity.PERSON, 0.5, "test")
    sure = person(text, "ana", 0.9)
    assert merge([weak, mail]) == (weak,)
    assert RULES.settle(text, (weak, mail, sure)) == (mail,)


@pytest.mark.parametrize(
    "written",
    ["Project Nightjar", "PROJECT NIGHTJAR", "project-nightjar", "project_nightjar", "project - nightjar",
     "projectNightjar", "Prоject Nightjar", "Pro\u200bject Nightjar", "Ｐｒｏｊｅｃｔ Nightjar",
     "Projéct Nightjar", "Project%20Nightjar", "Project&nbsp;Nightjar", "Project\nNightjar"],
)  # fmt: skip
def test_a_denied_phrase_is_found_however_it_is_written(written: str) -> None:
    assert denied(f"on {written}'s roadmap") == [(written, "SECRET")]


def test_denied_words_of_other_scripts() -> None:
    assert denied("w zabka, ZABKA i ŻABKA") == [(word, "PERSON") for word in ("zabka", "ZABKA", "ŻABKA")]
    assert denied("問陳大文吧") == [("陳大文", "PERSON")]


@pytest.mark.parametrize("text", ["zabkami", "xzabka", "zabka7", "Nightjar", "Project X Nightjar", ""])
def test_only_whole_words_are_denied(text: str) -> None:
    assert denied(text) == []


def test_a_denied_phrase_in_an_encoded_run_takes_the_run() -> None:
    run = base64.b64encode(b"roadmap of Project Nightjar").decode()
    assert denied(f"see {run}") == [(run, "ENCODED")]


def test_what_is_denied_wins_over_guesses_and_within_a_pattern_the_pattern_goes_whole() -> None:
    text = "Zabka Lima zabka@example.org"
    mail = person(text, "zabka@example.org", 1.0, Entity.EMAIL_ADDRESS)
    name = person(text, "Zabka Lima")
    found = [
        (text[span.start : span.end], span.entity, span.recognizer)
        for span in RULES.settle(text, (mail, name))
    ]
    assert found == [
        ("Zabka", "PERSON", DENY_LIST),
        (" Lima", "PERSON", "test"),
        ("zabka@example.org", "EMAIL_ADDRESS", DENY_LIST),
    ]  # fmt: skip


PIECES = st.lists(
    st.sampled_from(
        ["Madison", "theme", "madison theme", "Ana", "zabka", "Żabka", "Project", "Nightjar",
         "PROJECT_NIGHTJAR", " ", " ", "-", "@", "%20", "7", "\u200b", "é", "陳大文", "."]
    ),
    max_size=12,
).map("".join)  # fmt: skip
FINDINGS = st.lists(
    st.tuples(
        st.integers(0, 40), st.integers(1, 15), st.sampled_from(Entity), st.sampled_from([0.45, 0.6, 0.9])
    ),
    max_size=6,
)  # fmt: skip


@given(PIECES, FINDINGS)
def test_lists_and_thresholds_spare_guesses_only_and_never_what_is_denied(
    text: str, places: list[tuple[int, int, Entity, float]]
) -> None:
    found = tuple(
        Span(start, min(start + length, len(text)), entity, score, "test")
        for start, length, entity, score in places
        if start < len(text)
    )
    explained = RULES.explain(text, found)
    settled = RULES.settle(text, found)
    covered = {place for span in settled for place in range(span.start, span.end)}
    for span in found:
        if span.entity not in GUESSED:
            assert covered >= set(range(span.start, span.end))
    for exempt, _ in explained.exempt:
        assert exempt.entity in GUESSED
    for span in RULES.settle(text, ()):  # what is denied, whatever is found besides
        assert covered >= set(range(span.start, span.end))
    parts = sorted(part for ruling in explained.rulings for part in ruling.kept)
    assert tuple(parts) == settled
    assert NO_RULES.settle(text, found) == merge(found)


@pytest.fixture(scope="module")
def strict_mixpanel(tmp_path_factory: pytest.TempPathFactory) -> CompiledPolicy:
    """The reference policy, with lists for Mixpanel alone."""
    config = Path(shutil.copytree(ROOT / "config", tmp_path_factory.mktemp("policy") / "config"))
    file = config / "vendors" / "mixpanel.yaml"
    file.write_text(
        file.read_text()
        + "\nentities:\n  thresholds: {PERSON: 0.7}\n  allow: [Maria Silva, example.org]\n"
        + "  deny: {SECRET: [Nightjar]}\n"
    )
    return load(config)


def sent(sanitizer: Sanitizer, comment: str, url: str) -> dict[str, bytes]:
    event = {
        "type": "track", "event": "Feedback Submitted", "messageId": "m-1", "userId": "usr-77120",
        "anonymousId": "a-55021", "timestamp": "2026-11-03T12:34:56Z",
        "context": {"traits": {"name": "Ottilie Brandner"}, "page": {"url": url},
                    "consent": {"categoryPreferences": {"analytics": True, "product": True}}},
        "properties": {"rating": 4, "comment": comment},
    }  # fmt: skip
    outcomes = sanitizer.sanitize([json.dumps(event).encode()]).outcomes[0]
    return {outcome.vendor: outcome.value for outcome in outcomes if isinstance(outcome, Sent)}


def test_a_vendors_lists_are_its_own_and_a_replay_for_it_alone_gives_the_same(
    sanitizer: Sanitizer, detector: Detector, strict_mixpanel: CompiledPolicy, keyring_file: Path
) -> None:
    keys = KeyRing.load(keyring_file)
    event = (
        "Maria Silva (maria.silva@example.org, nightjar@example.org) saw nightjar with ottilie",
        f"https://nightjar.example.com/{quote('Maria-Silva')}/nightjar",
    )
    plain = sent(sanitizer, *event)
    judged = sent(Sanitizer(strict_mixpanel, keys, detector), *event)
    assert {vendor for vendor in plain if plain[vendor] != judged[vendor]} == {VendorName.MIXPANEL}
    alone = Sanitizer(strict_mixpanel.only({VendorName.MIXPANEL}), keys, detector)
    assert sent(alone, *event) == {VendorName.MIXPANEL: judged[VendorName.MIXPANEL]}
    payload = judged[VendorName.MIXPANEL].decode()
    assert "Maria Silva (<EMAIL_ADDRESS>, <EMAIL_ADDRESS>) saw <SECRET> with <IDENTITY>" in payload
    assert "nightjar" not in payload
