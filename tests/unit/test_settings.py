"""Settings come from the environment, and a wrong one stops the start."""

from pathlib import Path

import pytest

from service.errors import ConfigurationError
from service.settings import load_settings
from service.settings_reference import reference


def test_values_are_parsed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WEIR_PROCESSES", "3")
    monkeypatch.setenv("WEIR_SHUTDOWN_GRACE", "2.5")
    settings = load_settings()
    assert (settings.processes, settings.shutdown_grace) == (3, 2.5)


def test_every_mistake_is_named_at_once_with_the_nearest_name_and_without_values(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("WEIR_PROCESES", "3")
    monkeypatch.setenv("WEIR_PROBE_PORT", "hunter2")
    monkeypatch.setenv("WEIR_BATCH_RECORDS", "0")
    with pytest.raises(ConfigurationError) as caught:
        load_settings()
    message = str(caught.value)
    assert "WEIR_PROCESES is not a setting; did you mean WEIR_PROCESSES?" in message
    assert "WEIR_PROBE_PORT" in message
    assert "WEIR_BATCH_RECORDS" in message
    assert "hunter2" not in message


def test_the_reference_page_is_in_step_with_the_code() -> None:
    page = Path(__file__).parents[2] / "docs" / "configuration.md"
    assert page.read_text(encoding="utf-8") == reference()
