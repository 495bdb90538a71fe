"""Every way in which a policy file can be wrong, and exactly what is said about it.

Each case of policy_mistakes.yaml puts one mistake into the small policy in `policy/`; nothing else may be
reported because of it.
"""

import shutil
from pathlib import Path
from typing import NamedTuple

import pytest
from ruamel.yaml import YAML

from service.policy import load
from service.policy.mistakes import PolicyMistakesError

SMALL_POLICY = Path(__file__).parent / "policy"
PLAN = "tracking_plan.yaml"
MIXPANEL = "vendors/mixpanel.yaml"
GA4 = "vendors/ga4.yaml"


class Case(NamedTuple):
    """A mistake: in `file`, `new` stands where `old` should."""

    name: str
    file: str
    old: str
    new: str
    mistakes: list[str]


CASES = [Case(**case) for case in YAML(typ="safe").load(Path(__file__).with_name("policy_mistakes.yaml"))]


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return Path(shutil.copytree(SMALL_POLICY, tmp_path / "config"))


def mistakes_in(config: Path) -> list[str]:
    with pytest.raises(PolicyMistakesError) as raised:
        load(config)
    return [str(mistake).removeprefix(f"{config}/") for mistake in raised.value.mistakes]


def change(file: Path, old: str, new: str) -> None:
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new, 1), encoding="utf-8")


def test_the_small_policy_has_no_mistakes(config: Path) -> None:
    assert len(load(config).fingerprint) == 64


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_mistake_is_reported_with_its_place_and_nothing_else(config: Path, case: Case) -> None:
    change(config / case.file, case.old, case.new)
    assert mistakes_in(config) == case.mistakes


def test_all_mistakes_of_all_files_are_reported_at_once_and_in_order(config: Path) -> None:
    """Cases of different files are put in together; each must still be reported as when it is alone."""
    chosen = [
        next(case for case in CASES if case.name == name)
        for name in (
            "unknown guard",
            "type alone",
            "unknown identity class",
            "topic of another",
            "unknown action",
            "parameter out of range",
            "field never reached",
        )
    ]
    for case in chosen:
        change(config / case.file, case.old, case.new)
    assert mistakes_in(config) == sorted(mistake for case in chosen for mistake in case.mistakes)


@pytest.mark.parametrize(
    ("content", "mistake"),
    [
        (b"", "1:1: the file is empty"),
        (b"# nothing\n", "1:1: the file is empty"),
        (b"- a\n", "1:1: the file must hold `key: value` pairs"),
        (b"hello\n", "1:1: the file must hold `key: value` pairs"),
        ("vendor: m\u00efxpanel\n".encode("latin-1"), "1:10: not UTF-8: save the file in this encoding"),
        ("vendor: mixpanel\n".encode("utf-16"), "1:1: not UTF-8: save the file in this encoding"),
        (b"[" * 3000, "1:1: not YAML"),
    ],
    ids=["empty", "comment", "list", "word", "latin-1", "utf-16", "endless nesting"],
)
def test_a_file_that_is_none_is_reported(config: Path, content: bytes, mistake: str) -> None:
    (config / MIXPANEL).write_bytes(content)
    assert mistakes_in(config) == [f"{MIXPANEL}:{mistake}"]


def test_a_missing_file_is_reported(config: Path) -> None:
    (config / GA4).unlink()
    (config / PLAN).unlink()
    assert mistakes_in(config) == [f"{PLAN}:1:1: there is no such file", f"{GA4}:1:1: there is no such file"]


def test_a_missing_folder_is_reported(config: Path) -> None:
    assert len(mistakes_in(config / "nowhere")) == 6


@pytest.mark.parametrize("name", ["mixpannel.yaml", "mixpanel.yml"])
def test_a_file_under_a_wrong_name_is_reported(config: Path, name: str) -> None:
    (config / MIXPANEL).rename(config / "vendors" / name)
    assert mistakes_in(config) == [
        f"{MIXPANEL}:1:1: there is no such file",
        f"vendors/{name}:1:1: {Path(name).stem!r} is no vendor's file; did you mean mixpanel.yaml?",
    ]


def test_byte_order_marks_and_line_ends_of_other_systems_are_read(config: Path) -> None:
    before = load(config).fingerprint
    file = config / MIXPANEL
    file.write_bytes(b"\xef\xbb\xbf" + file.read_bytes().replace(b"\n", b"\r\n"))
    assert load(config).fingerprint == before
