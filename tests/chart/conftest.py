"""The chart as the real Helm renders it, once for each values file and Helm."""

import subprocess
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from tests.conftest import ROOT

CHART = ROOT / "helm" / "weir"
TOOLS = ROOT / ".tools" / "bin"
CHECKERS = ROOT / ".venv-chart" / "bin"
HELMS = ("helm3", "helm4")
VALUES = sorted(path.name.removesuffix("-values.yaml") for path in (CHART / "ci").glob("*-values.yaml"))
NAMESPACE = "events"

Manifest = dict[str, Any]


def run(*command: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False, timeout=300)


def values_file(name: str) -> Path:
    return CHART / "ci" / f"{name}-values.yaml"


@cache
def template(helm: str, name: str, *options: str) -> str:
    """What `helm template` prints for a values file."""
    done = run(
        TOOLS / helm, "template", "weir", CHART, "--namespace", NAMESPACE,
        "--values", values_file(name), *options,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert not done.stderr, done.stderr
    return done.stdout


def manifests(helm: str, name: str, *options: str) -> list[Manifest]:
    """The objects that Helm renders, hooks and tests among them."""
    loaded = YAML(typ="safe", pure=True).load_all(template(helm, name, *options))
    return [each for each in loaded if each]


def pods(objects: list[Manifest]) -> Iterator[tuple[str, Manifest]]:
    """Each pod's name and spec, whatever makes it."""
    for each in objects:
        name = f"{each['kind']}/{each['metadata']['name']}"
        match each["kind"]:
            case "Pod":
                yield name, each["spec"]
            case "Deployment" | "Job":
                yield name, each["spec"]["template"]["spec"]
            case "CronJob":
                yield name, each["spec"]["jobTemplate"]["spec"]["template"]["spec"]


def containers(objects: list[Manifest]) -> Iterator[tuple[str, Manifest]]:
    """Each container, initializing ones too, by its pod and name."""
    for pod, spec in pods(objects):
        for container in (*spec.get("initContainers", ()), *spec["containers"]):
            yield f"{pod}/{container['name']}", container


def one(objects: list[Manifest], kind: str, end: str = "") -> Manifest:
    """The only object of a kind whose name has this end."""
    (found,) = (
        each for each in objects if each["kind"] == kind and each["metadata"]["name"].endswith(end)
    )
    return found


@pytest.fixture(params=HELMS)
def helm(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture(params=VALUES)
def values(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture
def objects(helm: str, values: str) -> list[Manifest]:
    return manifests(helm, values)


@pytest.fixture
def minimal() -> Callable[..., list[Manifest]]:
    """The least values, and options of Helm besides."""
    return lambda *options: manifests("helm4", "minimal", *options)
