"""`weir bench detection`, with few texts and without stock Presidio, which takes seconds to load."""

import json
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from service.cli.app import run

CASES = [
    {
        "text": "Please call Bridget Fairweather about the usage report",
        "secrets": ["Bridget Fairweather"],
        "keeps": ["usage report"],
    },
    {
        "event": {
            "type": "track",
            "event": "Feedback Submitted",
            "messageId": "m-1",
            "userId": "usr_1",
            "anonymousId": "a-1",
            "timestamp": "2026-03-02T06:00:00.000Z",
            "properties": {"rating": 4, "comment": "write to zelda.quint@example.com about the charts"},
            "context": {"traits": {"email": "other@example.com"}},
        },
        "secrets": ["zelda.quint@example.com", "other@example.com"],
        "keeps": ["about the charts"],
    },
]


def test_a_small_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    corpus, plot = tmp_path / "cases.ndjson", tmp_path / "figures.svg"
    corpus.write_text("".join(json.dumps(case) + "\n" for case in CASES), "utf-8")
    command = ["bench", "detection", "--profile", "fast", "--texts", "30", "--no-stock", "--seed", "4"]
    assert run([*command, "--corpus", str(corpus), "--plot", str(plot), "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["texts"] == 4 * 30
    assert report["split"] == "test"
    assert 0.5 <= report["distinct_share"] <= 1
    assert list(report["contenders"]) == ["Weir fast"]
    weir = report["contenders"]["Weir fast"]
    assert set(weir["sources"]) == {"sentences", "product texts", "noisy texts", "controls"}
    assert weir["sources"]["controls"]["entities"] == 0
    assert weir["sources"]["controls"]["over_redacted"] < 0.1
    assert weir["entities"]["EMAIL_ADDRESS"]["recall"] > 0.5
    # Of the event, only its free text is detection's business.
    assert weir["cases"] == {"cases.ndjson": {"leaked": 0, "secrets": 2, "kept": 2, "keeps": 2}}
    assert all(rate > 0 for rate in weir["texts_per_cpu_second"].values())
    svg = ET.parse(plot).getroot()
    shown = {element.text for element in svg.iter("{http://www.w3.org/2000/svg}text")}
    assert {"Weir fast", "noisy texts", "PERSON"} <= shown


def test_tables_for_people(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["bench", "detection", "--profile", "fast", "--texts", "10", "--no-stock"]) == 0
    printed = capsys.readouterr().out
    for heading in ("By source", "By entity", "By language", "By kind of text", "Texts a second of CPU time"):
        assert heading in printed


def test_a_corpus_that_is_none_is_a_usage_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["bench", "detection", "--profile", "fast", "--texts", "10", "--no-stock"]
    assert run([*command, "--corpus", str(tmp_path / "none.ndjson")]) == 2
    assert "none.ndjson: cannot be read" in capsys.readouterr().err
