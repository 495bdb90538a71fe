"""The Dockerfile as text."""

import subprocess

from tests.conftest import ROOT
from tests.image.dockerfile import Instruction, last, pairs

HADOLINT = ROOT / ".venv-checkers/bin/hadolint"


def test_hadolint_has_nothing_to_say() -> None:
    found = subprocess.run(
        [HADOLINT, "--no-color", "--failure-threshold", "info", "Dockerfile"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (found.returncode, found.stdout) == (0, "")


def test_the_base_is_an_argument_that_takes_a_digest(dockerfile: list[list[Instruction]]) -> None:
    build, final = dockerfile
    assert build[0].value == "${PYTHON_IMAGE} AS build"
    assert final[0].value == "scratch"
    assert pairs(final, "LABEL")["org.opencontainers.image.base.name"] == "${PYTHON_IMAGE}"


def test_whoever_runs_it_is_a_number(dockerfile: list[list[Instruction]]) -> None:
    """Kubernetes holds `runAsNonRoot` against the number; it does not read the image's names."""
    assert last(dockerfile[-1], "USER").value == "10001:10001"


def test_nothing_in_it_starts_a_shell(dockerfile: list[list[Instruction]]) -> None:
    for instruction in dockerfile[-1]:
        if instruction.name in {"RUN", "ENTRYPOINT", "CMD"}:
            assert instruction.words
