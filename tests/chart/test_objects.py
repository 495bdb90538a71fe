"""What the chart makes, for every values file and both Helms: sound, safe, and in step with Weir itself."""

import json
import re
from collections.abc import Callable
from itertools import product
from pathlib import Path
from typing import Any

import pytest
import typer
from ruamel.yaml import YAML

from service.cli.app import app
from service.kafka_access import _contradictions
from service.policy import load
from service.settings import PREFIX, Settings, load_settings
from tests.chart.conftest import (
    CHART,
    HELMS,
    TOOLS,
    VALUES,
    Manifest,
    containers,
    manifests,
    one,
    pods,
    run,
    template,
    values_file,
)  # fmt: skip
from tests.conftest import ROOT

#: What Kubernetes gives to the pods of an indexed Job, and to those of a CronJob's.
GIVEN = {"$(JOB_COMPLETION_INDEX)": "0", "$(REPLAY_JOB)": "weir-replay-held-back-29384756"}


def test_lint_has_nothing_to_say(helm: str, values: str) -> None:
    done = run(TOOLS / helm, "lint", "--strict", CHART, "--values", values_file(values))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "[WARNING]" not in done.stdout


@pytest.mark.parametrize("values", VALUES)
def test_both_helms_make_the_same(values: str) -> None:
    first, second = (template(helm, values).replace("\r", "") for helm in HELMS)
    assert manifests(HELMS[0], values) == manifests(HELMS[1], values)
    assert len(first.split("\n---\n")) == len(second.split("\n---\n"))


def test_pods_are_restricted(objects: list[Manifest]) -> None:
    """By the pod security standard `restricted`, and without a token or Kubernetes' service variables."""
    for name, spec in pods(objects):
        assert spec["automountServiceAccountToken"] is False, name
        assert spec["enableServiceLinks"] is False, name
        assert not spec.keys() & {"hostNetwork", "hostPID", "hostIPC"}, name
        security = spec["securityContext"]
        assert security["runAsNonRoot"] is True
        assert security["runAsUser"] > 0
        assert security["seccompProfile"] == {"type": "RuntimeDefault"}
        assert {kind for volume in spec["volumes"] for kind in volume.keys() - {"name"}} <= {
            "configMap", "secret", "emptyDir",
        }  # fmt: skip
    for name, container in containers(objects):
        security = container["securityContext"]
        assert security["allowPrivilegeEscalation"] is False, name
        assert security["privileged"] is False
        assert security["readOnlyRootFilesystem"] is True
        assert security["capabilities"] == {"drop": ["ALL"]}


def test_containers_have_limits_and_a_fixed_image(objects: list[Manifest]) -> None:
    for name, container in containers(objects):
        assert container["resources"].keys() == {"requests", "limits"}, name
        for part in container["resources"].values():
            assert {"cpu", "memory"} <= part.keys(), name
        assert re.search(r"@sha256:[0-9a-f]{64}$|:[^:/]*\d[^:/]*$", container["image"]), name
        assert "latest" not in container["image"]


def test_the_worker_is_probed(objects: list[Manifest]) -> None:
    deployment = one(objects, "Deployment")
    (worker,) = deployment["spec"]["template"]["spec"]["containers"]
    assert {
        kind: worker[f"{kind}Probe"]["httpGet"]["path"] for kind in ("startup", "liveness", "readiness")
    } == {"startup": "/startupz", "liveness": "/livez", "readiness": "/readyz"}
    assert all(worker[f"{kind}Probe"]["httpGet"]["port"] == "probes" for kind in ("startup", "readiness"))


def test_no_secret_is_made_and_none_is_in_plain_sight(objects: list[Manifest]) -> None:
    assert all(each["kind"] != "Secret" for each in objects)
    for name, container in containers(objects):
        for variable in container["env"]:
            assert not re.search("PASSWORD$|TOKEN$|SECRET", variable["name"]), name


def test_every_object_is_in_the_namespace_and_labelled(objects: list[Manifest]) -> None:
    for each in objects:
        assert each["metadata"]["namespace"] == "events", each["kind"]
        labels = each["metadata"]["labels"]
        assert labels["app.kubernetes.io/instance"] == "weir"
        assert len(each["metadata"]["name"]) <= 63


def test_command_lines_are_the_real_ones(objects: list[Manifest]) -> None:
    for name, container in containers(objects):
        arguments = [str(argument) for argument in container["args"]]
        for variable, value in GIVEN.items():
            arguments = [argument.replace(variable, value) for argument in arguments]
        assert "$(" not in " ".join(arguments), name
        if "keys" in arguments:  # whose file must exist for the parser
            arguments = [re.sub("/run/.*", str(CHART / "Chart.yaml"), each) for each in arguments]
        _parse(typer.main.get_command(app), arguments)


def _parse(command: Any, arguments: list[str]) -> None:
    """Parse a command line as it is parsed when it runs, and run nothing."""
    context = command.make_context(command.name, list(arguments))
    while rest := [*getattr(context, "_protected_args", ()), *context.args]:
        name, command, rest = command.resolve_command(context, rest)
        context = command.make_context(name, rest, parent=context)


def test_settings_are_weirs_own(objects: list[Manifest], monkeypatch: pytest.MonkeyPatch) -> None:
    for name, container in containers(objects):
        variables = {each["name"]: each.get("value") for each in container["env"]}
        with monkeypatch.context() as patch:
            for variable, value in variables.items():
                if variable.startswith(PREFIX):
                    assert isinstance(value, str), name
                    patch.setenv(variable, value)
            settings = load_settings()
        if "WEIR_KAFKA_BOOTSTRAP" in variables:
            assert not list(_contradictions(settings)), name
            assert settings.probe_host in {"0.0.0.0", "::"}
        mounts = {mount["mountPath"] for mount in container["volumeMounts"]}
        for field, value in settings:
            if isinstance(value, Path) and field in settings.model_fields_set:
                assert any(value.is_relative_to(mount) for mount in mounts), (name, field)


def test_files_of_secrets_are_where_settings_look(objects: list[Manifest]) -> None:
    for name, spec in pods(objects):
        volumes = {volume["name"]: volume for volume in spec["volumes"]}
        for container in (*spec.get("initContainers", ()), *spec["containers"]):
            files = {
                f"{mount['mountPath']}/{item['path']}"
                for mount in container["volumeMounts"]
                for kind in ("secret", "configMap")
                for item in volumes[mount["name"]].get(kind, {}).get("items", ())
            }
            for variable in container["env"]:
                if variable["name"].endswith("_FILE"):
                    assert variable["value"] in files, (name, variable["name"])


def test_the_grace_outlasts_the_workers_own(objects: list[Manifest]) -> None:
    for name, spec in pods(objects):
        for container in spec["containers"]:
            variables = {each["name"]: each.get("value", "") for each in container["env"]}
            if container["args"][0] in {"worker", "replay"}:
                assert (
                    spec["terminationGracePeriodSeconds"] >= float(variables["WEIR_SHUTDOWN_GRACE"]) + 10
                ), name


def test_the_policy_in_the_configmaps_loads(tmp_path: Path) -> None:
    """Mounted as it is, and the same for the checks as for the worker."""
    mounted = set()
    for helm, values in product(HELMS, VALUES):
        objects = manifests(helm, values)
        data = {each["metadata"]["name"]: each["data"] for each in objects if each["kind"] == "ConfigMap"}
        for _, spec in pods(objects):
            (volume,) = (each["configMap"] for each in spec["volumes"] if "configMap" in each)
            mounted.add(
                frozenset((item["path"], data[volume["name"]][item["key"]]) for item in volume["items"])
            )
    (files,) = mounted
    for path, text in files:
        file = tmp_path / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    assert load(tmp_path).fingerprint == load(ROOT / "config").fingerprint


def test_the_charts_policy_is_the_reference_policy() -> None:
    for folder, pattern in (("", "*.yaml"), ("vendors", "*.yaml")):
        ours = {path.name: path.read_text() for path in (ROOT / "config" / folder).glob(pattern)}
        charts = {path.name: path.read_text() for path in (CHART / "policy" / folder).glob(pattern)}
        assert charts == ours, "copy config/ to helm/weir/policy/"


def test_selectors_find_the_worker_alone(objects: list[Manifest]) -> None:
    deployment = one(objects, "Deployment")
    worker = deployment["spec"]["template"]["metadata"]["labels"]
    others = [each["spec"]["template"]["metadata"]["labels"] for each in objects if each["kind"] == "Job"] + [
        each["metadata"]["labels"] for each in objects if each["kind"] == "Pod"
    ]
    selectors = [deployment["spec"]["selector"]["matchLabels"]]
    for each in objects:
        if each["kind"] == "Service":
            selectors.append(each["spec"]["selector"])
        if each["kind"] in {"PodDisruptionBudget", "PodMonitor"}:
            selectors.append(each["spec"]["selector"]["matchLabels"])
        if each["kind"] == "ServiceMonitor":
            service = one(objects, "Service")["metadata"]["labels"]
            assert each["spec"]["selector"]["matchLabels"].items() <= service.items()
    assert all(selector.items() <= worker.items() for selector in selectors)
    assert not any(selector.items() <= labels.items() for selector in selectors for labels in others)


def test_the_network_policies_cover_every_pod(objects: list[Manifest]) -> None:
    policies = [each["spec"] for each in objects if each["kind"] == "NetworkPolicy"]
    if not policies:
        return
    for policy in policies:
        assert set(policy["policyTypes"]) == {"Ingress", "Egress"}
        ports = {port["port"] for rule in policy["egress"] for port in rule["ports"]}
        assert 53 in ports
        assert ports - {53} <= {9092, 9093, 9094, 9096}
    (whole,) = (each for each in policies if len(each["podSelector"]["matchLabels"]) == 2)
    assert [[port["port"] for port in rule["ports"]] for rule in whole["ingress"]] == [["probes"]]


def test_hooks_come_before_what_they_guard(objects: list[Manifest]) -> None:
    """What a hook uses must be there before it: nothing of the release is on a first install."""
    weights = {
        (each["kind"], each["metadata"]["name"]): int(each["metadata"]["annotations"]["helm.sh/hook-weight"])
        for each in objects
        if each["metadata"].get("annotations", {}).get("helm.sh/hook") == "pre-install,pre-upgrade"
    }
    for each in objects:
        if each["kind"] == "Job" and ("Job", each["metadata"]["name"]) in weights:
            weight = weights["Job", each["metadata"]["name"]]
            spec = each["spec"]["template"]["spec"]
            (configmap,) = (
                volume["configMap"]["name"] for volume in spec["volumes"] if "configMap" in volume
            )
            assert weights["ConfigMap", configmap] < weight
            account = spec["serviceAccountName"]
            assert account == "default" or weights["ServiceAccount", account] < weight


def test_a_change_of_the_policy_rolls(minimal: Callable[..., list[Manifest]], tmp_path: Path) -> None:
    def checksum(objects: list[Manifest]) -> str:
        annotations = one(objects, "Deployment")["spec"]["template"]["metadata"]["annotations"]
        return str(annotations["checksum/config"])

    vendor = tmp_path / "mixpanel.yaml"
    text = (ROOT / "config" / "vendors" / "mixpanel.yaml").read_text()
    given = (
        "--set-file", f"policy.trackingPlan={ROOT / 'config' / 'tracking_plan.yaml'}",
        "--set-file", f"policy.vendors.mixpanel={vendor}",
    )  # fmt: skip
    sums = {checksum(minimal())}
    for change in (text, text.replace("per_events: 1000", "per_events: 900")):
        vendor.write_text(change)
        template.cache_clear()
        manifests.cache_clear()
        objects = minimal(*given)
        assert one(objects, "ConfigMap", "-policy")["data"].keys() == {"tracking_plan.yaml", "mixpanel.yaml"}
        sums.add(checksum(objects))
    assert len(sums) == 3


def test_resources_follow_the_processes(minimal: Callable[..., list[Manifest]]) -> None:
    """Above what docs/operations.md measured: 475 MB, 200 MB a process, 1.2 GB for the longest text."""
    for processes in (1, 2, 8):
        objects = minimal("--set", f"settings.processes={processes}")
        (worker,) = one(objects, "Deployment")["spec"]["template"]["spec"]["containers"]
        resources = worker["resources"]
        assert int(resources["requests"]["cpu"].removesuffix("m")) >= 1000 * processes
        assert (
            int(resources["requests"]["memory"].removesuffix("Mi")) >= (475 + 138 + 200 * processes) / 1.049
        )
        assert (
            int(resources["limits"]["memory"].removesuffix("Mi"))
            >= (475 + 138 + 200 * processes + 1200) / 1.049
        )


def test_placement_reaches_every_pod(minimal: Callable[..., list[Manifest]]) -> None:
    objects = minimal(
        "--set", "nodeSelector.disk=ssd", "--set", "priorityClassName=streaming",
        "--set-json", 'tolerations=[{"operator":"Exists"}]', "--set", "image.pullSecrets={login}",
    )  # fmt: skip
    for name, spec in pods(objects):
        assert spec["nodeSelector"] == {"disk": "ssd"}, name
        assert spec["priorityClassName"] == "streaming"
        assert spec["tolerations"] == [{"operator": "Exists"}]
        assert spec["imagePullSecrets"] == [{"name": "login"}]


def test_a_job_that_changes_is_another_one(minimal: Callable[..., list[Manifest]]) -> None:
    """Kubernetes refuses to change one, and with it the whole upgrade."""

    def job(*options: str) -> tuple[str, str]:
        replay = ("--set-json", 'replays.again={"arguments":["--vendor","mixpanel"]}')
        objects = [each for each in minimal(*replay, *options) if "-replay-" in each["metadata"]["name"]]
        found = one(objects, "Job")
        return found["metadata"]["name"], json.dumps(found["spec"])

    changes = [
        (),
        ("--set", "settings.logLevel=debug"),
        ("--set", "podLabels.a=b"),
        ("--set", "image.tag=0.1.1"),
        ("--set", "keyring.existingSecret=other"),
        ("--set", "kafka.partitions=12"),  # which changes nothing of it
    ]
    jobs = [job(*change) for change in changes]
    assert len({name for name, _ in jobs}) == len({spec for _, spec in jobs}) == len(changes) - 1


@pytest.mark.parametrize("scaler", ["hpa", "keda"])
def test_a_scaled_release_begins_with_the_fewest(minimal: Callable[..., list[Manifest]], scaler: str) -> None:
    objects = minimal("--set", f"autoscaling.type={scaler},autoscaling.minReplicas=3")
    assert one(objects, "Deployment")["spec"]["replicas"] == 3


def test_settings_of_the_schema_are_weirs_own() -> None:
    """Every setting has a place among the values, with its range."""
    schema = json.loads((CHART / "values.schema.json").read_text())["properties"]["settings"]["properties"]
    places = {  # given by other values, or by the chart itself
        "kafka_bootstrap", "security_protocol", "sasl_mechanism", "sasl_username", "sasl_password_file",
        "sasl_token_file", "tls_ca_file", "tls_certificate_file", "tls_key_file", "tls_key_password_file",
        "raw_topic", "dead_letter_topic", "control_topic", "config_dir", "keyring_file",
        "keyring_kek_file", "probe_port",
    }  # fmt: skip
    ours = Settings.model_json_schema()["properties"]
    named = {re.sub("[A-Z]", lambda letter: "_" + letter[0].lower(), name): name for name in schema}
    assert named.keys() == ours.keys() - places
    for field, name in named.items():
        limits = {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "minLength", "type"}
        assert {key: value for key, value in schema[name].items() if key in limits} == {
            key: value for key, value in ours[field].items() if key in limits
        }, name
        assert set(schema[name].get("enum", ())) <= set(ours[field].get("enum", ()))


def test_alerts_and_dashboard_go_through_the_template() -> None:
    objects = manifests("helm4", "all")
    groups = one(objects, "PrometheusRule")["spec"]["groups"]
    source = YAML(typ="safe").load(CHART / "alerts" / "weir.yaml")["groups"]
    assert [group["name"] for group in groups] == [group["name"] for group in source]
    for ours, theirs in zip(source, groups, strict=True):
        for rule, rendered in zip(ours["rules"], theirs["rules"], strict=True):
            assert rendered == rule | {
                "labels": rule["labels"] | {"team": "data-platform"},
                "annotations": rule["annotations"]
                | {"runbook_url": "https://wiki.example.com/weir/" + rule["annotations"]["runbook_url"]},
            }
    text = one(objects, "ConfigMap", "-dashboard")["data"]["weir.json"]
    original = (CHART / "dashboards" / "weir.json").read_text()
    assert text == original.replace("https://weir.example/", "https://wiki.example.com/weir/") != original


def test_alerts_are_left_out_by_name(minimal: Callable[..., list[Manifest]]) -> None:
    objects = minimal(
        "--set", "metrics.rules.enabled=true,metrics.rules.disabled={WeirGateHits,WeirBreakerOpen}"
    )
    names = {
        rule["alert"] for group in one(objects, "PrometheusRule")["spec"]["groups"] for rule in group["rules"]
    }
    assert not names & {"WeirGateHits", "WeirBreakerOpen"}
    assert "WeirNoProgress" in names
