"""The generated texts: repeatable, in two halves that share nothing, with labels that fit."""

import json
import os
import subprocess
import sys
from pathlib import Path
from random import Random

import pytest

from service.bench.detection.cases import Case, leaks, lost, read_cases, scrubbed
from service.bench.detection.generated import generate, templates
from service.bench.detection.labelled import LabelledText, Part, Source, Split
from service.bench.detection.measures import Found
from service.bench.detection.noise import noisy
from service.bench.detection.values import passes_luhn
from service.detection.spans import TextRequest
from service.errors import ConfigurationError
from service.policy.entities import Entity

COUNT = 150


def texts(source: Source, split: Split, *, seed: int = 1) -> list[LabelledText]:
    return generate(source, COUNT, seed=seed, split=split)


def gold_values(split: Split, *entities: Entity) -> set[str]:
    return {
        text.text[gold.start : gold.end]
        for source in (Source.SENTENCES, Source.PRODUCT)
        for text in texts(source, split)
        for gold in text.gold
        if gold.entity in entities
    }


@pytest.mark.parametrize("source", Source)
def test_the_same_seed_gives_the_same_texts(source: Source) -> None:
    first = texts(source, Split.TEST)
    assert first == texts(source, Split.TEST)
    assert len({text.text for text in first}) == len(first) == COUNT
    assert first != texts(source, Split.TEST, seed=2)


DIGEST = """
import hashlib
from service.bench.detection.generated import generate
from service.bench.detection.labelled import Source, Split
texts = [text.parts for source in Source for text in generate(source, 150, seed=5, split=Split.TUNE)]
print(hashlib.sha256(repr(texts).encode()).hexdigest())
"""


def test_every_process_makes_the_same_texts() -> None:
    """Sets have another order in each process, and Faker has some."""
    digests = {
        subprocess.run(
            [sys.executable, "-c", DIGEST],
            env=os.environ | {"PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
            timeout=60,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(digests) == 1


@pytest.mark.parametrize("source", Source)
def test_the_halves_share_no_template_and_no_text(source: Source) -> None:
    words = {
        split: {
            "".join(filter(str.isalpha, t.text.casefold())) for t in templates(source) if t.split is split
        }
        for split in Split
    }
    assert all(words.values())
    assert not words[Split.TUNE] & words[Split.TEST]
    tune, test = ({text.text for text in texts(source, split)} for split in Split)
    assert not tune & test


def test_the_halves_share_no_name_address_or_number() -> None:
    kinds = (
        Entity.PERSON,
        Entity.STREET_ADDRESS,
        Entity.PHONE_NUMBER,
        Entity.CREDIT_CARD,
        Entity.EMAIL_ADDRESS,
    )
    tune, test = (gold_values(split, *kinds) for split in Split)
    assert len(tune) > 100
    assert not tune & test
    words = [
        {
            word.casefold()
            for name in gold_values(split, Entity.PERSON)
            for word in name.split()
            if word.isalpha()
        }
        for split in Split
    ]
    # Of family names in several words, each word may be in both halves ("de", "van"); of names, none is.
    assert len(words[0] & words[1]) < 0.05 * len(words[0])


def test_every_template_can_be_filled() -> None:
    for source in Source:
        for split in Split:
            count = sum(template.split is split for template in templates(source))
            assert generate(source, count, seed=3, split=split)


def test_controls_hold_nothing_personal() -> None:
    controls = texts(Source.CONTROLS, Split.TEST)
    assert not any(text.gold or text.unjudged for text in controls)


def test_all_seven_languages_are_there() -> None:
    for split in Split:
        assert {t.language for t in templates(Source.PRODUCT) if t.split is split} == {
            "en", "fr", "de", "es", "it", "pt", "nl",
        }  # fmt: skip


def test_noise_keeps_the_labels() -> None:
    parts = (
        Part("please ask "),
        Part("Zelda Quint", Entity.PERSON),
        Part(" and "),
        Part("S3-x", Entity.SECRET),
    )
    seen = set()
    for seed in range(50):
        changed = noisy(parts, Random(seed))
        labelled = [part.text for part in changed if part.entity is not None]
        assert labelled[0].casefold() == "zelda quint"
        assert labelled[1] == "S3-x"
        seen.add("".join(part.text for part in changed))
    assert len(seen) > 20


@pytest.mark.parametrize(("number", "valid"), [("4539578763621486", True), ("4539578763621487", False)])
def test_luhn(number: str, valid: bool) -> None:
    assert passes_luhn(number) is valid


def test_a_secret_leaks_whole_or_in_part() -> None:
    case = Case((TextRequest("Ask Zelda Quint, not Bo", None),), ("Zelda Quint",), ("not Bo",))
    assert leaks(case, case.text) == ["Zelda Quint"]
    assert leaks(case, "Ask <PERSON> Quint, not Bo") == ["Zelda Quint"]
    assert leaks(case, "Ask <PERSON>, not Bo") == []
    assert lost(case, "Ask <PERSON>, not Bo") == []
    assert lost(case, "Ask <PERSON>, not <PERSON>") == ["not Bo"]


def test_scrubbed_text_names_the_kinds() -> None:
    spans = [Found(4, 9, Entity.PERSON), Found(13, 17, None)]
    assert scrubbed("Ask Zelda in Lyon!", spans) == "Ask <PERSON> in <None>!"


def test_a_file_that_holds_no_cases_is_named(tmp_path: Path) -> None:
    file = tmp_path / "cases.ndjson"
    file.write_text(json.dumps({"text": "a b", "secrets": ["b", "elsewhere"], "keeps": []}) + "\n", "utf-8")
    assert read_cases(file) == [Case((TextRequest("a b", None),), ("b",), ())]
    file.write_text('{"text": "Zelda Quint"}\n{"words": "Zelda Quint"}\n', "utf-8")
    with pytest.raises(ConfigurationError, match=r"cases\.ndjson, line 2: is no case") as caught:
        read_cases(file)
    assert "Quint" not in str(caught.value)
    with pytest.raises(ConfigurationError, match="cannot be read"):
        read_cases(tmp_path / "none")
