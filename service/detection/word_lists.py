"""The lists of words and phrases in data/words.toml."""

import tomllib
from functools import cache
from importlib.resources import files


@cache
def _lists() -> dict[str, dict[str, list[str]]]:
    text = (files("service.detection") / "data" / "words.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


def word_list(module: str, name: str) -> tuple[str, ...]:
    """One list, by the module that uses it and its name there.

    Raises:
        KeyError: if there is none.
    """
    return tuple(_lists()[module][name])
