"""The image's file tree, made once: by the Dockerfile's own build step, from its own build context."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.image.build_context import copy_context
from tests.image.container import Image
from tests.image.dockerfile import Instruction, stages

#: Seconds that the build may take.
BUILD_TIMEOUT = 900.0


@pytest.fixture(scope="session")
def dockerfile() -> list[list[Instruction]]:
    return stages(ROOT / "Dockerfile")


@pytest.fixture(scope="session")
def open_folder() -> Iterator[Path]:
    """A folder that the image's user may enter, unlike pytest's own."""
    with tempfile.TemporaryDirectory(prefix="weir-image-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        yield folder


@pytest.fixture(scope="session")
def context(open_folder: Path) -> Path:
    """What a build may see of the sources."""
    target = open_folder / "context"
    copy_context(ROOT, target)
    return target


@pytest.fixture(scope="session")
def image(dockerfile: list[list[Instruction]], open_folder: Path, context: Path) -> Image:
    """The tree, by the build stage's RUN with this Python in place of the base image's."""
    build, final = dockerfile
    (step,) = [each.words for each in build if each.name == "RUN" and "container/build.py" in each.value]
    (copied,) = [each.value for each in final if each.name == "COPY" and each.value.endswith(" /")]
    assert (step[0], copied) == ("python3.11", f"--from=build {step[-1]} /")
    root = open_folder / "root"
    root.mkdir()
    built = subprocess.run(
        [os.path.realpath(sys.executable), *step[1:-1], str(root)],
        cwd=context,
        stderr=subprocess.PIPE,
        text=True,
        timeout=BUILD_TIMEOUT,
        check=False,
    )
    assert built.returncode == 0, built.stderr
    for each in final:  # folders of the image's user
        if each.name == "COPY" and each.value.startswith("--from=build --chown="):
            (root / each.value.split()[-1].lstrip("/")).mkdir(parents=True)
    return Image(root, final)


@pytest.fixture(scope="session")
def contained(image: Image) -> Image:
    """The image, where containers can be had."""
    if shutil.which("bwrap") is None:
        pytest.skip("left out: starting the image; it needs bubblewrap (apt-get install bubblewrap)")
    tried = subprocess.run(
        ["bwrap", "--unshare-user", "--unshare-pid", "--ro-bind", "/", "/", "--proc", "/proc", "/bin/true"],
        capture_output=True,
        check=False,
        **image.credentials,
    )
    if tried.returncode:
        pytest.skip("left out: starting the image; the kernel gives its user no namespaces")
    return image
