"""The Dockerfile, read as far as the tests need it: its own words are what they run."""

import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple


class Instruction(NamedTuple):
    """One instruction, with its continued lines in one."""

    name: str
    value: str

    @property
    def words(self) -> list[str]:
        """The words of an exec form."""
        words: list[str] = json.loads(self.value)
        return words


def stages(file: Path) -> list[list[Instruction]]:
    """The instructions of each stage, FROM being the first."""
    found: list[list[Instruction]] = []
    for instruction in _instructions(file.read_text()):
        if instruction.name == "FROM":
            found.append([])
        if found:
            found[-1].append(instruction)
    return found


def last(stage: list[Instruction], name: str) -> Instruction:
    """The instruction of a name that counts."""
    return [each for each in stage if each.name == name][-1]


def pairs(stage: list[Instruction], name: str) -> dict[str, str]:
    """What ENV or LABEL sets."""
    words = [word for each in stage if each.name == name for word in shlex.split(each.value)]
    return dict(word.split("=", 1) for word in words)


def _instructions(text: str) -> Iterator[Instruction]:
    lines = "\n".join(line for line in text.splitlines() if not line.startswith("#"))
    for line in re.sub(r"\\\n\s*", "", lines).splitlines():
        if line.strip():
            name, _, value = line.partition(" ")
            yield Instruction(name, value.strip())
