"""docker-compose.yaml: its form, and that each of its services is held as tightly as in a cluster."""

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from ruamel.yaml import YAML

from service.broker.fetch import KAFKA_VERSION
from service.settings import Settings
from tests.conftest import ROOT
from tests.image.container import Given, Image
from tests.image.dockerfile import Instruction, pairs

#: The module that Docker Compose itself reads its files with, schema included.
COMPOSE = "github.com/compose-spec/compose-go/v2@v2.16.2"
#: Services that run Weir.
WEIR = ("keys", "topics", "worker")


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    text = (ROOT / "docker-compose.yaml").read_text()
    written = json.dumps(YAML(typ="safe").load(text))
    # As Docker does: the value that stands for a variable that is not set.
    parsed: dict[str, Any] = json.loads(re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", written))
    return parsed


@pytest.fixture(scope="module")
def services(compose: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = compose["services"]
    return found


def test_form(compose: dict[str, Any]) -> None:
    if shutil.which("go") is None:
        pytest.skip("left out: docker-compose.yaml against Compose's schema; it needs Go")
    fetched = subprocess.run(
        ["go", "mod", "download", "-json", COMPOSE], cwd="/", capture_output=True, text=True, check=True
    )
    schema = json.loads((Path(json.loads(fetched.stdout)["Dir"]) / "schema/compose-spec.json").read_text())
    validator = Draft202012Validator(schema)
    assert [error.message for error in validator.iter_errors(compose)] == []
    wrong = compose | {"services": {"worker": {"read_onyl": True}}}
    assert list(validator.iter_errors(wrong))


def test_weir_is_held_as_in_a_cluster(services: dict[str, Any]) -> None:
    for name in WEIR:
        service = services[name]
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]
        assert [mount.partition(":")[0] for mount in service["tmpfs"]] == ["/tmp"]
        assert "user" not in service


def test_ports_are_for_this_machine_alone(services: dict[str, Any]) -> None:
    ports = [port for service in services.values() for port in service.get("ports", [])]
    assert ports
    assert all(port.startswith("127.0.0.1:") for port in ports)


def test_kafka_is_the_one_that_the_tests_run_against(services: dict[str, Any]) -> None:
    assert services["kafka"]["image"] == f"apache/kafka:{KAFKA_VERSION}"


def test_only_kafka_is_asked_for_its_health(services: dict[str, Any]) -> None:
    """Weir's image has no program to ask with."""
    assert [name for name, service in services.items() if "healthcheck" in service] == ["kafka"]


def test_a_stop_leaves_the_worker_its_own_grace(services: dict[str, Any]) -> None:
    seconds = int(services["worker"]["stop_grace_period"].removesuffix("s"))
    assert seconds > Settings.model_fields["shutdown_grace"].default


def test_variables_are_settings(services: dict[str, Any], dockerfile: list[list[Instruction]]) -> None:
    known = {f"WEIR_{name.upper()}" for name in Settings.model_fields}
    for name in WEIR:
        assert set(services[name]["environment"]) <= known
    assert {name for name in pairs(dockerfile[-1], "ENV") if name.startswith("WEIR_")} <= known


@pytest.mark.parametrize("name", WEIR)
def test_command_lines(name: str, services: dict[str, Any], contained: Image) -> None:
    arguments = services[name].get("command", ["worker"])
    commands = [word for word in arguments if not word.startswith("/")]
    shown = contained.run(Given(), *commands, "--help")
    assert (shown.returncode, shown.stderr) == (0, "")
    assert f"weir {' '.join(commands)}" in shown.stdout
