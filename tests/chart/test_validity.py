"""What Kubernetes, the custom resources' own schemas and a static checker say of every object."""

import json
import os
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from ruamel.yaml import YAML

from tests.chart.conftest import CHECKERS, VALUES, Manifest, run, template

#: The oldest and the newest that the checker knows, and two between them.
KUBERNETES = ("1.32.0", "1.34.0", "1.36.0", "1.37.0")
#: Where the custom resources are defined: the Go module, and the folder in it.
DEFINITIONS = {
    "monitoring.coreos.com": (
        "github.com/prometheus-operator/prometheus-operator@v0.85.0",
        "example/prometheus-operator-crd",
    ),
    "keda.sh": ("github.com/kedacore/keda/v2@v2.21.0", "config/crd/bases"),
}
#: What checkov finds and Weir does all the same.
EXCEPTIONS = {
    "CKV_K8S_43": "an image by its digest is the deployer's choice (image.digest): the chart has no image of its own",
    "CKV_K8S_35": "the key ring and the logins are files already; what it takes for a secret is a path",
    "CKV_K8S_15": "an image's tags are not used twice, so it need not be pulled each time (image.pullPolicy)",
    "CKV2_K8S_6": "networkPolicy.enabled is false in service-monitor-values.yaml on purpose",
}


@pytest.fixture
def rendered(values: str, tmp_path: Path) -> Path:
    """A file with what Helm 4 renders; Helm 3 renders the same."""
    file = tmp_path / f"{values}.yaml"
    file.write_text(template("helm4", values))
    return file


@pytest.mark.parametrize("version", KUBERNETES)
def test_kubernetes_takes_every_object(rendered: Path, version: str) -> None:
    done = run(CHECKERS / "kubernetes-validate", "--strict", "--kubernetes-version", version, rendered)
    assert done.returncode == 0, done.stdout + done.stderr
    for line in (done.stdout + done.stderr).splitlines():
        if "WARN" in line.upper():  # only of kinds that are not Kubernetes' own
            assert any(group in line for group in DEFINITIONS) or "schema" in line.lower(), line


@pytest.mark.parametrize("values", VALUES)
def test_custom_resources_fit_their_definitions(values: str) -> None:
    found: list[Manifest] = [each for each in YAML(typ="safe", pure=True).load_all(template("helm4", values)) if each]
    for each in found:
        group, _, version = each["apiVersion"].partition("/")
        if group in DEFINITIONS:
            schema = _definitions(group)[each["kind"], version]
            jsonschema.Draft202012Validator(schema).validate(each)


def test_custom_resources_are_among_the_examples() -> None:
    kinds = {
        each["kind"]
        for values in VALUES
        for each in YAML(typ="safe", pure=True).load_all(template("helm4", values))
        if each
    }
    assert {
        "ServiceMonitor", "PodMonitor", "PrometheusRule", "ScaledObject", "TriggerAuthentication",
        "HorizontalPodAutoscaler", "CronJob", "PodDisruptionBudget", "NetworkPolicy", "Pod",
    } <= kinds  # fmt: skip


def test_static_checker_finds_nothing(rendered: Path) -> None:
    command = [
        CHECKERS / "checkov", "--file", rendered, "--framework", "kubernetes", "--skip-download", "--compact",
        "--quiet", "--output", "json", "--skip-check", ",".join(EXCEPTIONS),
    ]  # fmt: skip
    quiet = {**os.environ, "CKV_IGNORE_HIDDEN_DIRECTORIES": "false", "LOG_LEVEL": "ERROR"}
    done = subprocess.run(
        list(map(str, command)), capture_output=True, text=True, check=False, timeout=300, env=quiet
    )
    report = json.loads(done.stdout)
    failed = {
        (each["check_id"], each["check_name"], each["resource"])
        for each in report["results"]["failed_checks"]
    }
    assert report["summary"]["passed"] > 50
    assert not failed


@cache
def _definitions(group: str) -> dict[tuple[str, str], Any]:
    """The schema of each kind and version, closed where Kubernetes would drop what it does not know."""
    module, folder = DEFINITIONS[group]
    done = run("go", "mod", "download", "-json", module)
    assert done.returncode == 0, done.stderr
    schemas = {}
    for file in (Path(json.loads(done.stdout)["Dir"]) / folder).glob("*.yaml"):
        definition = YAML(typ="safe", pure=True).load(file)
        if definition and definition.get("kind") == "CustomResourceDefinition":
            for version in definition["spec"]["versions"]:
                schema = version["schema"]["openAPIV3Schema"]
                schema["properties"]["metadata"] = {"type": "object"}
                schemas[definition["spec"]["names"]["kind"], version["name"]] = _closed(schema)
    return schemas


def _closed(schema: Any) -> Any:
    if isinstance(schema, list):
        return [_closed(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    closed = {key: _closed(value) for key, value in schema.items()}
    if closed.get("x-kubernetes-int-or-string"):
        closed.pop("type", None)
    if isinstance(closed.get("properties"), dict) and "additionalProperties" not in closed and "type" in closed:
        if not closed.get("x-kubernetes-preserve-unknown-fields"):
            closed["additionalProperties"] = False
    return closed
