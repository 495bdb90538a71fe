"""What Kubernetes, the custom resources' own schemas and a static checker say of every object."""

import json
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from ruamel.yaml import YAML

from tests.chart.conftest import CHECKERS, VALUES, manifests, run, template

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
#: What checkov finds everywhere and Weir does all the same; what it finds in one place is explained there.
EXCEPTIONS = {
    "CKV_K8S_43": "the chart has no image of its own: the deployer gives the digest (image.digest)",
    "CKV_K8S_35": "the key ring and the logins are files already; what it takes for a secret is a path",
    "CKV_K8S_15": "no tag is used twice, so an image need not be pulled each time (image.pullPolicy)",
    "CKV2_K8S_6": "networkPolicy.enabled is false in service-monitor-values.yaml on purpose",
}


@pytest.fixture(scope="module")
def rendered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with what Helm 4 renders of each values file; Helm 3 renders the same."""
    folder = tmp_path_factory.mktemp("rendered")
    for values in VALUES:
        (folder / f"{values}.yaml").write_text(template("helm4", values))
    return folder


@pytest.mark.parametrize("version", KUBERNETES)
def test_kubernetes_takes_every_object(rendered: Path, version: str) -> None:
    files = sorted(rendered.iterdir())
    done = run(CHECKERS / "kubernetes-validate", "--strict", "--kubernetes-version", version, *files)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("INFO") + done.stdout.count("passed") > len(files)
    for line in (done.stdout + done.stderr).splitlines():
        if "WARN" in line.upper():  # only of kinds that are not Kubernetes' own
            assert any(group in line for group in DEFINITIONS), line


@pytest.mark.parametrize("values", VALUES)
def test_custom_resources_fit_their_definitions(values: str) -> None:
    for each in manifests("helm4", values):
        group, _, version = each["apiVersion"].partition("/")
        if group in DEFINITIONS:
            jsonschema.Draft202012Validator(_schema(group, version, each["kind"])).validate(each)


def test_every_kind_is_among_the_examples() -> None:
    assert {
        "ServiceMonitor", "PodMonitor", "PrometheusRule", "ScaledObject", "TriggerAuthentication",
        "HorizontalPodAutoscaler", "CronJob", "PodDisruptionBudget", "NetworkPolicy", "Pod",
    } <= {each["kind"] for values in VALUES for each in manifests("helm4", values)}  # fmt: skip


def test_static_checker_finds_nothing(rendered: Path) -> None:
    done = run(
        CHECKERS / "checkov", "--directory", rendered, "--framework", "kubernetes", "--skip-download",
        "--compact", "--quiet", "--output", "json", "--skip-check", ",".join(EXCEPTIONS),
    )  # fmt: skip
    report = json.loads(done.stdout)
    failed = {
        (each["check_id"], each["check_name"], each["resource"], each["file_path"])
        for each in report["results"]["failed_checks"]
    }
    assert not failed
    assert report["summary"]["passed"] > 100 * len(VALUES)


@cache
def _schema(group: str, version: str, kind: str) -> Any:
    """The schema of a custom resource, closed where Kubernetes would drop what it does not know."""
    module, folder = DEFINITIONS[group]
    done = run("go", "mod", "download", "-json", module)
    assert done.returncode == 0, done.stderr
    file = Path(json.loads(done.stdout)["Dir"]) / folder / f"{group}_{kind.lower()}s.yaml"
    definition = YAML(typ="safe").load(file)
    (found,) = (each for each in definition["spec"]["versions"] if each["name"] == version)
    schema = found["schema"]["openAPIV3Schema"]
    schema["properties"]["metadata"] = {"type": "object"}
    return _closed(schema)


def _closed(schema: Any) -> Any:
    if isinstance(schema, list):
        return [_closed(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    closed = {key: _closed(value) for key, value in schema.items()}
    if closed.get("x-kubernetes-int-or-string"):
        closed.pop("type", None)
    is_object = closed.get("type") == "object" and "properties" in closed
    if is_object and not closed.get("x-kubernetes-preserve-unknown-fields"):
        closed.setdefault("additionalProperties", False)
    return closed
