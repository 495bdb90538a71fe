"""What is in the image, and what is not."""

import re
import stat
import sysconfig
from importlib.metadata import distributions
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.image.container import Image


@pytest.fixture(scope="module")
def packages(image: Image) -> Path:
    return image.root / "opt/weir/lib/python3.11/site-packages"


def test_a_build_sees_sources_alone(context: Path) -> None:
    files = {file.relative_to(context).as_posix() for file in context.rglob("*") if file.is_file()}
    assert {file.partition("/")[0] for file in files} == {
        *("LICENSE", "NOTICE", "README.md", "config", "container", "pyproject.toml"),
        *("requirements-build.lock", "requirements.lock", "schemas", "service"),
    }
    assert "service/__main__.py" in files
    assert not [file for file in files if file.endswith(".pyc")]


def test_packages_are_those_of_the_lock(packages: Path) -> None:
    locked = re.findall(r"(?m)^([\w.-]+)==(\S+)", (ROOT / "requirements.lock").read_text())
    names = {re.sub(r"[-_.]+", "-", name).lower(): version for name, version in locked}
    found = {
        re.sub(r"[-_.]+", "-", each.name).lower(): each.version
        for each in distributions(path=[str(packages)])
    }
    assert found.pop("weir")
    assert found == names


def test_there_is_no_shell_no_installer_no_test(image: Image, packages: Path) -> None:
    programs = {
        file.relative_to(image.root).as_posix()
        for file in image.root.rglob("*")
        if file.is_file() and not file.is_symlink() and file.stat().st_mode & 0o111 and ".so" not in file.name
    }
    interpreter = [program for program in programs if re.fullmatch(r".*/bin/python3\.11", program)]
    assert len(interpreter) == 1
    commands = {program for program in programs if re.search(r"(^|/)s?bin/", program)}
    assert commands == {"opt/weir/bin/weir", *interpreter}
    assert not list(packages.glob("pip*"))
    assert not [path for path in packages.rglob("tests") if path.is_dir()]


def test_everybody_may_read_and_nobody_write(image: Image) -> None:
    for path in image.root.rglob("*"):
        if path.is_symlink():
            continue
        mode = stat.S_IMODE(path.stat().st_mode)
        if path == image.root / "tmp":
            assert mode == 0o1777
        elif path.is_dir():
            assert mode & 0o777 == 0o755, path
        else:
            assert mode in {0o644, 0o755}, path


def test_everything_is_compiled_whatever_the_times_of_the_files(image: Image, packages: Path) -> None:
    """A flag of 1 in a compiled file: it holds without a look at the source."""
    library = image.root / sysconfig.get_path("stdlib").lstrip("/")
    for folder in (packages / "service", packages / "spacy", library / "asyncio"):
        sources = list(folder.rglob("*.py"))
        assert sources
        for source in sources:
            compiled = source.with_name("__pycache__") / f"{source.stem}.cpython-311.pyc"
            assert compiled.read_bytes()[4:8] == b"\1\0\0\0", source


def test_nothing_names_where_it_was_built(image: Image) -> None:
    place = str(image.root.parent).encode()
    for file in (image.root / "opt/weir").rglob("*"):
        if file.is_file() and not file.is_symlink():
            assert place not in file.read_bytes(), file


def test_scanners_can_tell_the_libraries_packages(image: Image) -> None:
    libraries = {
        path.name for path in image.root.rglob("*.so*") if "opt" not in path.relative_to(image.root).parts
    }
    assert {"libc.so.6", "libssl.so.3", "libstdc++.so.6"} <= libraries
    described = image.root / "var/lib/dpkg/status.d"
    assert "Version: " in (described / "libc6").read_text()
    assert (image.root / "etc/os-release").read_text().startswith("PRETTY_NAME=")
