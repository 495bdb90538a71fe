"""Makes the image's file tree: Python, the libraries it loads, and Weir in a virtual environment.

    python3.11 container/build.py ROOT

Run it at the top of the sources, with the Python that the image is to have. The Dockerfile's build stage
does; so does tests/image, which then starts Weir with ROOT as its root file system. What is not put there
does not exist in the image: no shell, no package manager, no compiler.
"""

import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Final

#: Of Python's own library: what makes, tests or documents programs, or needs a screen.
UNUSED_MODULES: Final = (
    "__pycache__", "config-*", "dist-packages", "ensurepip", "idlelib", "lib2to3", "site-packages", "test",
    "tkinter", "turtledemo", "venv", "_ctypes_test*", "_test*", "_tkinter*", "_xxtestfuzz*",
)  # fmt: skip
#: Of the packages: their tests, and what only a compiler reads.
UNUSED_FOLDERS: Final = ("tests",)
UNUSED_SUFFIXES: Final = frozenset({".c", ".cc", ".cpp", ".h", ".hpp", ".pxd", ".pxi", ".pyx"})
#: Whom TLS trusts where no CA file is set, and what tells scanners which Debian the libraries are from.
SYSTEM_FILES: Final = (Path("/etc/ssl/certs/ca-certificates.crt"), Path("/etc/os-release"))


def main(root: Path) -> None:
    """Fill the empty folder `root`."""
    os.umask(0o022)
    environment = root / "opt/weir"
    with tempfile.TemporaryDirectory() as work:
        install(environment, Path(work))
    copy_python(root)
    prune(environment)
    libraries = {library: root / str(library).lstrip("/") for library in system_libraries(root)}
    for source, target in libraries.items():
        copy_file(source, target)
    for source in SYSTEM_FILES:
        copy_file(source, root / str(source).lstrip("/"))
    # The loader finds by itself only what is in Debian's own folders.
    run("/sbin/ldconfig", "-r", root, *sorted({str(library.parent) for library in libraries}))
    describe_packages(libraries, root)
    compile_modules(root)
    shutil.copytree("config", root / "etc/weir/config")
    for mount_point in ("dev", "proc", "sys", "tmp"):
        (root / mount_point).mkdir()
    (root / "tmp").chmod(0o1777)


def install(environment: Path, work: Path) -> None:
    """Make the environment; pip and the build backend stay outside of it."""
    run(sys.executable, "-m", "venv", work / "tools")
    pip = (work / "tools/bin/python", "-m", "pip", "--quiet", "--disable-pip-version-check")
    hashed = ("--no-deps", "--require-hashes", "--only-binary", ":all:", "-r")
    run(*pip, "install", *hashed, "requirements-build.lock")
    run(*pip, "wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", work, ".")
    run(sys.executable, "-m", "venv", "--without-pip", environment)
    into = (*pip, "--python", environment / "bin/python", "install", "--no-compile")
    run(*into, *hashed, "requirements.lock")
    run(*into, "--no-deps", "--no-index", "--find-links", work, "weir")
    for file in (environment / "bin").iterdir():
        if not file.name.startswith("python") and file.name != "weir":
            file.unlink()
    # Two files name the place where it was made.
    command = environment / "bin/weir"
    _, _, rest = command.read_text().partition("\n")
    command.write_text(f"#!/opt/weir/bin/python\n{rest}")
    settings = environment / "pyvenv.cfg"
    kept = [line for line in settings.read_text().splitlines(keepends=True) if not line.startswith("command")]
    settings.write_text("".join(kept))


def copy_python(root: Path) -> None:
    """Copy the interpreter and its library to where they are here."""
    interpreter = Path(os.path.realpath(sys.executable))
    copy_file(interpreter, root / str(interpreter).lstrip("/"))
    library = sysconfig.get_path("stdlib")
    shutil.copytree(library, root / library.lstrip("/"), ignore=shutil.ignore_patterns(*UNUSED_MODULES))


def prune(environment: Path) -> None:
    """Remove what nobody reads at run time."""
    for folder, names, files in os.walk(environment):
        for name in set(names) & set(UNUSED_FOLDERS):
            shutil.rmtree(Path(folder, name))
            names.remove(name)
        for file in files:
            if Path(file).suffix in UNUSED_SUFFIXES:
                Path(folder, file).unlink()


def system_libraries(root: Path) -> list[Path]:
    """The shared libraries outside of the tree, the loader among them, that anything in it is linked with."""
    linked = [file for file in root.rglob("*") if file.is_file() and is_elf(file)]
    answer = run("ldd", *linked)
    if missing := sorted(set(re.findall(r"(\S+) => not found", answer))):
        sys.exit(f"not found: {', '.join(missing)}")
    found = {Path(os.path.normpath(path)) for path in re.findall(r"(/\S+) \(0x", answer)}
    return sorted(path for path in found if not path.is_relative_to(root))


def is_elf(file: Path) -> bool:
    """Whether a file is a program or a shared library."""
    with file.open("rb") as opened:
        return opened.read(4) == b"\x7fELF"


def describe_packages(libraries: Iterable[Path], root: Path) -> None:
    """Leave scanners and lawyers each Debian package's entry, as dpkg keeps it, and its copyright."""
    # dpkg may know a file by its path before /lib became a link into /usr, or by the one after.
    paths = {str(name) for library in libraries for name in (library, library.resolve())}
    paths |= {path.removeprefix("/usr") for path in paths}
    search = [
        "dpkg-query",
        "--search",
        *sorted(paths),
    ]  # exits with 1 where it knows one of them by another path
    owners = subprocess.run(search, capture_output=True, text=True, check=False).stdout
    for package in sorted(set(re.findall(r"^([^:\s]+)(?::\w+)?: ", owners, re.MULTILINE))):
        status = root / "var/lib/dpkg/status.d" / package
        status.parent.mkdir(parents=True, exist_ok=True)
        status.write_text(run("dpkg-query", "--status", package))
        notice = Path("/usr/share/doc", package, "copyright")
        if notice.is_file():
            copy_file(notice, root / str(notice).lstrip("/"))


def compile_modules(root: Path) -> None:
    """Compile everything once: no process of the image may write, nor should each start do it anew."""
    run(
        *(sys.executable, "-m", "compileall", "-q", "-j", "0", "--invalidation-mode", "unchecked-hash"),
        *("-s", root, "-p", "/", root),
    )


def copy_file(source: Path, target: Path) -> None:
    """Copy a file, or what a link stands for, readable for everybody."""
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)
    target.chmod(0o755 if os.access(source, os.X_OK) else 0o644)


def run(*command: str | Path) -> str:
    """What a command prints; it must succeed."""
    return subprocess.run(
        [str(part) for part in command], stdout=subprocess.PIPE, text=True, check=True
    ).stdout


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve())
