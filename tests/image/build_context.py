"""What .dockerignore lets through to a build: the last pattern that matches a file decides."""

import shutil
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath


def copy_context(source: Path, target: Path) -> None:
    """Copy what a build may see."""
    rules = [
        (line.removeprefix("!"), line.startswith("!"))
        for line in (source / ".dockerignore").read_text().splitlines()
        if line and not line.startswith("#")
    ]
    # The file shuts everything out first; only what it names then has to be looked at.
    assert rules[0] == ("*", False)
    for name, let_in in rules:
        if let_in and (source / name).is_dir():
            for file in (source / name).rglob("*"):
                if file.is_file() and _let_in(file.relative_to(source).as_posix(), rules):
                    _copy(file, target / file.relative_to(source))
        elif let_in:
            _copy(source / name, target / name)


def _let_in(path: str, rules: list[tuple[str, bool]]) -> bool:
    """A pattern that matches a folder matches all in it."""
    parts = PurePosixPath(path).parts
    names = ["/".join(parts[:count]) for count in range(1, len(parts) + 1)]
    verdict = True
    for pattern, let_in in rules:
        if pattern.startswith("**/"):
            matches = any(fnmatchcase(part, pattern.removeprefix("**/")) for part in parts)
        else:
            matches = any(
                name.count("/") == pattern.count("/") and fnmatchcase(name, pattern) for name in names
            )
        if matches:
            verdict = let_in
    return verdict


def _copy(file: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(file, target)
