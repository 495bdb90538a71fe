"""Values: each is documented, and what is wrong is refused before anything reaches a cluster."""

import re
import shlex
import subprocess
from pathlib import Path

import pytest

from tests.chart.conftest import CHART, TOOLS, run, values_file
from tests.conftest import ROOT

#: Options of Helm beside the least values, and what the refusal must say.
REFUSED = [
    (("--set", "kafka.bootstrap="), "kafka"),
    (("--set", "kafka.bootstrap=kafka"), "kafka"),
    (("--set", "keyring.existingSecret="), "existingSecret"),
    (("--set", "replica=2"), "replica"),
    (("--set", "settings.batchSize=2"), "batchSize"),
    (("--set", "settings.processes=0"), "processes"),
    (("--set", "settings.processes=two"), "processes"),
    (("--set", "settings.shutdownGrace=0"), "shutdownGrace"),
    (("--set", "image.tag=latest"), "tag"),
    (("--set", "image.digest=sha256:12"), "digest"),
    (("--set", "replicas=7"), "above kafka.partitions (6)"),
    (("--set", "autoscaling.type=keda,autoscaling.maxReplicas=9"), "above kafka.partitions (6)"),
    (("--set", "autoscaling.type=hpa,autoscaling.minReplicas=5,autoscaling.maxReplicas=3"), "minReplicas"),
    (("--set", "autoscaling.type=cpu"), "type"),
    (("--set", "kafka.securityProtocol=SASL_SSL"), "mechanism"),
    (("--set", "kafka.sasl.mechanism=PLAIN"), "mechanism"),
    (
        ("--set", "kafka.securityProtocol=SASL_SSL,kafka.sasl.mechanism=PLAIN,kafka.sasl.existingSecret=s"),
        "username",
    ),
    (
        (
            "--set",
            "kafka.securityProtocol=SASL_SSL,kafka.sasl.mechanism=OAUTHBEARER,kafka.sasl.existingSecret=s",
            "--set",
            "autoscaling.type=keda",
        ),
        "mechanism",
    ),
    (("--set", "kafka.tls.caSecret=ca"), "caSecret"),
    (("--set", "metrics.podMonitor.enabled=true,metrics.serviceMonitor.enabled=true"), "metrics"),
    (("--set", "tests.vendor=plausible"), "vendor"),
    (("--set", "policy.vendors.plausible=x"), "plausible"),
    (("--set", "policy.vendors.mixpanel=x"), "policy.trackingPlan"),
    (("--set", "policy.trackingPlan=x"), "policy.vendors"),
    (("--set-json", 'replays={"a":{"arguments":["--from","-1d"],"shards":2}}'), "no --to"),
    (("--set-json", 'replays={"a":{"arguments":["--job","x"]}}'), "arguments"),
    (("--set-json", 'replays={"a":{"arguments":["--from","-1d"],"schedule":"daily"}}'), "schedule"),
    (("--set-json", 'resources={"requests":{"cpu":1,"memory":"1Gi"}}'), "resources"),
    (("--set", "rollout.maxSurge=0"), "nothing could be replaced"),
    (("--set", "runAsUser=0"), "runAsUser"),
    (("--set", "checks.topics=delete"), "topics"),
    (("--kube-version", "1.28.0"), "1.29.0"),
]


@pytest.mark.parametrize(("options", "words"), REFUSED, ids=[" ".join(options) for options, _ in REFUSED])
def test_refused(helm: str, options: tuple[str, ...], words: str) -> None:
    done = run(TOOLS / helm, "template", "weir", CHART, "--values", values_file("minimal"), *options)
    assert done.returncode != 0
    assert words in done.stderr
    assert not done.stdout


def test_nothing_given_is_refused(helm: str) -> None:
    done = run(TOOLS / helm, "template", "weir", CHART)
    assert done.returncode != 0
    assert "bootstrap" in done.stderr
    assert "existingSecret" in done.stderr


def test_the_readme_is_in_step(tmp_path: Path) -> None:
    done = run(
        TOOLS / "helm-docs", "--chart-search-root", CHART, "--sort-values-order", "file", "--dry-run",
        "--log-level", "warning",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == (CHART / "README.md").read_text().strip(), "run `make chart-readme`"


def test_every_value_is_described() -> None:
    rows = [line for line in (CHART / "README.md").read_text().splitlines() if line.startswith("| `")]
    assert len(rows) > 80
    assert not [row for row in rows if row.endswith("|  |")]


def _shown() -> list[list[str]]:
    """Helm's command lines that the pages show, each in words."""
    pages = (ROOT / "README.md", ROOT / "docs" / "deploy.md", CHART / "README.md")
    text = "\n".join(page.read_text() for page in pages).replace("\\\n", " ")
    return [
        shlex.split(line) for line in re.findall(r"^    helm ((?:install|upgrade) .*)$", text, re.MULTILINE)
    ]


@pytest.mark.parametrize("words", _shown(), ids=" ".join)
def test_the_commands_shown_are_good(helm: str, words: list[str]) -> None:
    kept = (
        () if words[0] == "install" else ("--values", str(values_file("minimal")))
    )  # what an upgrade reuses
    flags = {"--wait", "--reuse-values", "--reset-then-reuse-values"}
    options = [word for word in words[2:] if word not in flags]
    done = subprocess.run(
        [TOOLS / helm, "template", "weir", *kept, *options],
        cwd=ROOT, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


def test_commands_are_shown() -> None:
    assert len(_shown()) >= 5
