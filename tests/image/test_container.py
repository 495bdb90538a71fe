"""Weir as the only thing in a container: user 10001 without a name or a home, a read-only root, process 1."""

import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from service.demo.events import Mix, generate
from tests.image.container import Container, Given, Image
from tests.running_weir import RunningWeir, descendants, running_weir, wait_until

pytestmark = pytest.mark.enable_socket


def own(folder: Path, image: Image) -> Path:
    """Make a folder of the image's user."""
    folder.mkdir()
    if os.geteuid() == 0:
        os.chown(folder, *image.user)
    return folder


@pytest.fixture
def keys(contained: Image, open_folder: Path) -> Iterator[Path]:
    """A volume with a key ring, made as docker-compose.yaml says."""
    volume = own(open_folder / "keys", contained)
    made = contained.run(
        Given(writable={"/var/lib/weir": volume}), "keys", "generate", "/var/lib/weir/keyring.json"
    )
    assert made.returncode == 0, made.stderr
    yield volume
    shutil.rmtree(volume)


@pytest.fixture
def weir(bootstrap: str, open_folder: Path, config_dir: Path, keys: Path) -> Iterator[RunningWeir]:
    """Topics and a group, and the policy in a folder that the image's user may read."""
    folder = open_folder / "weir"
    folder.mkdir()
    with running_weir("container", bootstrap, folder, config_dir, keys / "keyring.json") as running:
        yield running


def test_version_and_policy_from_any_folder(contained: Image) -> None:
    assert contained.run(Given(), "version").stdout.startswith("weir ")
    checked = contained.run(Given(), "policy", "check")
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_other_commands_end_when_told_as_process_1(contained: Image, keys: Path, tmp_path: Path) -> None:
    """The kernel keeps SIGTERM from a process 1 that has no handler for it."""
    given = Given(
        readable={"/var/lib/weir": keys}, environment={"WEIR_KEYRING_FILE": "/var/lib/weir/keyring.json"}
    )
    with contained.container(given, tmp_path / "log", "sanitize") as container:
        wait_until(lambda: "weir-template" in descendants(container.first_process()).values(), "it works")
        assert container.stop() == 128 + signal.SIGTERM


@pytest.mark.broker
def test_a_worker(contained: Image, weir: RunningWeir, keys: Path, open_folder: Path) -> None:
    assert weir.weir("topics", "create", "--partitions", "2").returncode == 0
    scratch = own(open_folder / "tmp", contained)
    environment = {name: value for name, value in weir.environment.items() if name.startswith("WEIR_")}
    given = Given(
        readable={"/etc/weir/config": Path(environment.pop("WEIR_CONFIG_DIR")), "/var/lib/weir": keys},
        writable={"/tmp": scratch},
        environment=environment | {"WEIR_KEYRING_FILE": "/var/lib/weir/keyring.json", "WEIR_PROCESSES": "2"},
    )
    with contained.container(given, weir.folder / "log") as worker:
        worker.wait_for("worker_ready")
        assert "BAD" not in worker.get("/startupz")
        weir.workers.append(worker)
        weir.produce(events(200, seed=1))
        weir.wait_for_commits(200)
        kill_template(worker)
        weir.produce(events(200, seed=2))
        weir.wait_for_commits(400)
        assert "sanitizer_template_lost" in worker.log
        wait_until(lambda: not zombies(worker), "every child that has ended was reaped")
        assert "BAD" not in worker.get("/livez") + worker.get("/readyz")
        assert worker.stop() == 0, worker.log
    assert '"exit_code": 0' in worker.log
    assert {record.topic for record in weir.read()} >= set(weir.outputs[:-1])
    assert not list(scratch.iterdir())


def events(count: int, *, seed: int) -> list[tuple[bytes | None, bytes | None]]:
    return [(event.key, event.raw) for event in generate(count, seed=seed, mix=Mix.REALISTIC)]


def kill_template(worker: Container) -> None:
    """As the kernel does where memory is short."""
    (template,) = [
        pid for pid, name in descendants(worker.first_process()).items() if name == "weir-template"
    ]
    os.kill(template, signal.SIGKILL)


def zombies(worker: Container) -> list[str]:
    """What has ended below process 1, with nobody to take note of it."""
    first = worker.first_process()
    children = Path(f"/proc/{first}/task/{first}/children").read_text().split()
    return [
        pid for pid in children if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    ]
