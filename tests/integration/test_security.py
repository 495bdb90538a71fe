"""Ways into a Kafka that demands TLS, logins and rights; and what is said where there is none."""

import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path

import pytest

from service.cli.app import run
from service.demo.events import Mix, generate
from service.errors import BrokerError
from service.kafka_access import KafkaAccess
from service.policy import load
from service.settings import PREFIX, load_settings
from service.streaming.connection import check_connection
from service.streaming.needed_rights import Task, needed_rights
from service.streaming.preflight import check
from service.streaming.topics import Topics, needed_topics
from tests.running_weir import RunningWeir, Worker, admin, running_weir, wait_until
from tests.secured_broker import KEY_PASSWORD, WEIR, Rights, SecuredBroker, secrets_in, secured_broker, token

pytestmark = [pytest.mark.enable_socket, pytest.mark.broker]

RECORDS = 100


@pytest.fixture(scope="module")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecuredBroker]:
    with secured_broker(tmp_path_factory.mktemp("secured")) as broker:
        yield broker


@pytest.fixture
def bootstrap(kafka: SecuredBroker) -> str:
    """For the `weir` fixture: its own clients use the listener that demands nothing."""
    return kafka.broker.bootstrap


Use = Callable[[Mapping[str, str]], None]


@pytest.fixture
def use(monkeypatch: pytest.MonkeyPatch) -> Use:
    """Set the WEIR_ variables for commands in this process, and no others."""

    def use(settings: Mapping[str, str]) -> None:
        for name in [name for name in os.environ if name.startswith(PREFIX)]:
            monkeypatch.delenv(name)
        for name, value in settings.items():
            monkeypatch.setenv(name, value)

    return use


def mutual(kafka: SecuredBroker) -> dict[str, str]:
    return kafka.listener("MUTUAL") | {
        "WEIR_TLS_CERTIFICATE_FILE": str(kafka.client.certificate),
        "WEIR_TLS_KEY_FILE": str(kafka.client.key),
        "WEIR_TLS_KEY_PASSWORD_FILE": str(kafka.secret(KEY_PASSWORD)),
    }


def by_token(kafka: SecuredBroker, content: str) -> dict[str, str]:
    file = str(kafka.secret(content))
    return kafka.listener("TOKENS") | {"WEIR_SASL_MECHANISM": "OAUTHBEARER", "WEIR_SASL_TOKEN_FILE": file}


Way = Callable[[SecuredBroker], dict[str, str]]

WAYS: dict[str, Way] = {
    "plain": lambda kafka: kafka.listener("PASSWORDS") | kafka.login("PLAIN"),
    "scram-256": lambda kafka: kafka.listener("PASSWORDS") | kafka.login("SCRAM-SHA-256"),
    "scram-512-over-tls": lambda kafka: kafka.listener("BOTH") | kafka.login("SCRAM-SHA-512"),
    "token": lambda kafka: by_token(kafka, token("operator")),
    "tls": lambda kafka: kafka.listener("TLS"),
    "mutual-tls": mutual,
}


def partitions_of(worker: Worker) -> list[int]:
    """What the group has given to a worker at last."""
    lines = [json.loads(line) for line in worker.log.splitlines() if '"partitions_assigned"' in line]
    return lines[-1]["partitions"] if lines else []


# A few workers at once: each loads the models on a core of its own.
@pytest.mark.parametrize(
    "ways", [("plain", "scram-256", "tls"), ("scram-512-over-tls", "token", "mutual-tls")]
)
def test_events_pass(kafka: SecuredBroker, weir: RunningWeir, ways: tuple[str, ...], use: Use) -> None:
    settings = [WAYS[way](kafka) for way in ways]
    use(weir.environment | settings[0])
    assert run(["topics", "create", "--partitions", str(len(ways))]) == 0
    for each in settings[1:]:
        use(weir.environment | each)
        assert run(["topics", "check"]) == 0
    workers = [weir.start(**each) for each in settings]
    wait_until(lambda: all(len(partitions_of(worker)) == 1 for worker in workers), "a partition for each")
    weir.produce((event.key, event.raw) for event in generate(RECORDS, seed=4, mix=Mix.STRUCTURED))
    weir.wait_for_commits(RECORDS)
    for worker in workers:
        assert "\nweir_records_in_total 0.0\n" not in worker.get("/metrics")
        assert worker.stop() == 0
        assert not secrets_in(worker.log)


def wrong_password(kafka: SecuredBroker, mechanism: str, user: str = "operator") -> dict[str, str]:
    wrong = kafka.listener("BOTH") | kafka.login(mechanism) | {"WEIR_SASL_USERNAME": user}
    return wrong | {"WEIR_SASL_PASSWORD_FILE": str(kafka.secret("guessed"))}


def own_certificate(kafka: SecuredBroker, age: timedelta) -> dict[str, str]:
    identity = kafka.authority.issue("late", age=age)
    files = {"WEIR_TLS_CERTIFICATE_FILE": str(identity.certificate), "WEIR_TLS_KEY_FILE": str(identity.key)}
    return kafka.listener("MUTUAL") | files


def without_authority(kafka: SecuredBroker) -> dict[str, str]:
    settings = kafka.listener("TLS")
    del settings["WEIR_TLS_CA_FILE"]
    return settings


def plain_text_on(listener: str) -> Way:
    return lambda kafka: {"WEIR_KAFKA_BOOTSTRAP": kafka.broker.addresses[listener]}


REFUSED = "refuses user {} or the password in WEIR_SASL_PASSWORD_FILE"
UNTRUSTED = "its certificate is not signed by an authority in WEIR_TLS_CA_FILE"
CLOSED = "closes the connection; does it take {}? see WEIR_SECURITY_PROTOCOL"

REFUSALS: dict[str, tuple[Way, str]] = {
    "plain-password": (lambda kafka: wrong_password(kafka, "PLAIN"), REFUSED.format("operator")),
    "scram-password": (lambda kafka: wrong_password(kafka, "SCRAM-SHA-256"), REFUSED.format("operator")),
    "unknown-user": (
        lambda kafka: wrong_password(kafka, "SCRAM-SHA-512", "nobody"),
        REFUSED.format("nobody"),
    ),
    "expired-token": (
        lambda kafka: by_token(kafka, token("operator", -60)),
        "refuses the token in WEIR_SASL_TOKEN_FILE",
    ),
    "other-mechanism": (
        lambda kafka: kafka.listener("TOKENS") | kafka.login("PLAIN"),
        "takes no logins of this kind: see WEIR_SASL_MECHANISM",
    ),
    "login-where-none-is": (
        lambda kafka: kafka.listener("TLS") | {"WEIR_SECURITY_PROTOCOL": "SASL_SSL"} | kafka.login("PLAIN"),
        "takes no logins: see WEIR_SECURITY_PROTOCOL",
    ),
    "unknown-authority": (without_authority, UNTRUSTED),
    "other-authority": (lambda kafka: kafka.listener("STRANGE"), UNTRUSTED),
    "expired-certificate": (lambda kafka: kafka.listener("EXPIRED"), "its certificate has expired"),
    "other-host": (lambda kafka: kafka.listener("ELSEWHERE"), "its certificate is for another address"),
    "no-own-certificate": (lambda kafka: kafka.listener("MUTUAL"), "see WEIR_TLS_CERTIFICATE_FILE"),
    "own-certificate-expired": (
        lambda kafka: own_certificate(kafka, timedelta(days=30)),
        "refuses Weir's certificate",
    ),
    "plain-text-for-tls": (plain_text_on("TLS"), CLOSED.format("PLAINTEXT")),
    "plain-text-for-login": (plain_text_on("PASSWORDS"), CLOSED.format("PLAINTEXT")),
    "tls-for-plain-text": (
        lambda kafka: kafka.listener("PASSWORDS") | {"WEIR_SECURITY_PROTOCOL": "SSL"},
        CLOSED.format("SSL"),
    ),
}


#: Those of which the worker's own words are looked at as well.
BY_THE_WORKER = {"plain-password", "expired-token", "expired-certificate", "plain-text-for-tls"}


@pytest.mark.parametrize("name", REFUSALS)
def test_a_refusal_is_one_clear_line(
    kafka: SecuredBroker, weir: RunningWeir, name: str, use: Use, capsys: pytest.CaptureFixture[str]
) -> None:
    way, words = REFUSALS[name]
    settings = way(kafka)
    worker = weir.start(**settings) if name in BY_THE_WORKER else None
    use(weir.environment | settings)
    assert run(["topics", "check"]) == 3
    said = [capsys.readouterr().err]
    if worker is not None:
        assert worker.process.wait(60) == 3
        said.append(worker.log)
    for line in said:
        assert line.startswith(f"weir: Kafka at {settings['WEIR_KAFKA_BOOTSTRAP']}: ")
        assert words in line
        assert line.count("\n") == 1
        assert not secrets_in(line)


def test_a_new_token_is_taken_up(kafka: SecuredBroker, use: Use) -> None:
    settings = by_token(kafka, token("operator"))
    use(settings)
    access = KafkaAccess.of(load_settings())
    check_connection(access)
    file = Path(settings["WEIR_SASL_TOKEN_FILE"])
    file.write_text(token("operator", -60))
    with pytest.raises(BrokerError, match="refuses the token"):
        check_connection(access)
    file.write_text(token("operator"))
    check_connection(access)


@pytest.fixture
def rights(kafka: SecuredBroker) -> Iterator[Rights]:
    with admin(kafka.broker.bootstrap) as client:
        granted = Rights(client)
        yield granted
        granted.revoke_all()


def limited(kafka: SecuredBroker) -> dict[str, str]:
    """Settings for a user who may do what was granted alone."""
    return kafka.listener("BOTH") | kafka.login("SCRAM-SHA-512", WEIR)


Needs = Callable[[RunningWeir, Task], list[dict[str, str]]]


@pytest.fixture
def needs(use: Use, capsys: pytest.CaptureFixture[str]) -> Needs:
    """Ask `weir topics acls` what the limited user needs for a task."""

    def needs(weir: RunningWeir, task: Task) -> list[dict[str, str]]:
        use(weir.environment)
        capsys.readouterr()
        assert run(["topics", "acls", "--principal", f"User:{WEIR}", "--for", task, "--json"]) == 0
        needed: list[dict[str, str]] = json.loads(capsys.readouterr().out)
        return needed

    return needs


@pytest.fixture
def start_weir(
    kafka: SecuredBroker, tmp_path: Path, config_dir: Path, keyring_file: Path
) -> Iterator[Callable[[str], RunningWeir]]:
    """Make several of what the `weir` fixture is, each by its name."""
    with ExitStack() as stack:

        def start(name: str) -> RunningWeir:
            (tmp_path / name).mkdir()
            running = running_weir(name, kafka.broker.bootstrap, tmp_path / name, config_dir, keyring_file)
            return stack.enter_context(running)

        yield start


def named(row: Mapping[str, str]) -> str:
    """A right as messages name it."""
    star = "*" if row["pattern"] == "PREFIXED" else ""
    return f"{row['operation']} on {row['resource']} {row['name']}{star}"


def create_topics(weir: RunningWeir) -> None:
    assert weir.weir("topics", "create", "--partitions", "1").returncode == 0


def test_the_rights_for_each_command_are_enough(
    kafka: SecuredBroker, needs: Needs, rights: Rights, weir: RunningWeir
) -> None:
    for task, commands in {
        Task.TOPICS: [("topics", "create", "--partitions", "1"), ("topics", "check")],
        Task.BREAKER: [("breaker", "open", "ga4"), ("breaker", "list")],
        Task.DEAD_LETTERS: [("dead-letters", "list"), ("dead-letters", "show", f"{weir.raw_topic}/0/0")],
    }.items():
        rights.grant(needs(weir, task))
        for command in commands:
            done = weir.weir(*command, **limited(kafka))
            assert (done.returncode in {0, 1}, done.stderr) == (True, "")
        rights.revoke_all()


def test_the_worker_runs_with_its_rights_and_names_each_that_is_missing(
    kafka: SecuredBroker, needs: Needs, use: Use, rights: Rights, weir: RunningWeir
) -> None:
    create_topics(weir)
    needed = needs(weir, Task.WORKER)
    rights.grant(needed)
    use(weir.environment | limited(kafka))
    settings = load_settings()
    policy = load(settings.config_dir)
    rights.revoke(needed[0])
    with pytest.raises(BrokerError, match="denies"):
        check(settings)
    rights.grant(needed[:1])
    wanted = needed_rights(Task.WORKER, settings, needed_topics(settings, policy))
    for row in needed:
        rights.revoke(row)
        with pytest.raises(BrokerError) as caught, Topics.of(KafkaAccess.of(settings)) as topics:
            topics.require(wanted)
        said = str(caught.value)
        assert named(row) in said
        assert "`weir topics acls`" in said
        # Of a topic that can't be seen any more Kafka tells no other rights either.
        assert said.count(" on ") == said.count(f" on {row['resource']} {row['name']}")
        rights.grant([row])
    weir.produce((event.key, event.raw) for event in generate(200, seed=5, mix=Mix.STRUCTURED))
    worker = weir.start(**limited(kafka))
    weir.wait_for_commits(200)
    assert worker.stop() == 0
    assert {record.topic for record in weir.read()} >= {weir.outputs[0]}


def test_a_replay_runs_with_its_rights_and_names_each_that_is_missing(
    kafka: SecuredBroker, needs: Needs, use: Use, rights: Rights, weir: RunningWeir
) -> None:
    create_topics(weir)
    needed = needs(weir, Task.REPLAY)
    rights.grant(needed)
    weir.produce((event.key, event.raw) for event in generate(50, seed=7, mix=Mix.STRUCTURED))
    command = ("replay", "--topic", weir.raw_topic, "--vendor", "mixpanel")
    done = weir.weir(*command, **limited(kafka))
    assert done.returncode == 0, done.stderr
    assert {record.topic for record in weir.read()} == {f"{weir.group}.vendor.mixpanel.events"}
    use(weir.environment | limited(kafka))
    settings = load_settings()
    wanted = needed_rights(Task.REPLAY, settings, needed_topics(settings, load(settings.config_dir)))
    for row in needed:
        rights.revoke(row)
        with pytest.raises(BrokerError) as caught, Topics.of(KafkaAccess.of(settings)) as topics:
            topics.require(wanted)
        assert named(row) in str(caught.value)
        rights.grant([row])
    rights.revoke(needed[0])
    refused = weir.weir(*command, "--job", "other", **limited(kafka))
    assert refused.returncode == 3
    assert f"weir: Kafka denies {named(needed[0])}" in refused.stderr


LOST = [("READ", "TOPIC"), ("WRITE", "TOPIC"), ("READ", "GROUP"), ("WRITE", "TRANSACTIONAL_ID")]


def test_a_right_lost_while_running_ends_the_worker(
    kafka: SecuredBroker, needs: Needs, rights: Rights, start_weir: Callable[[str], RunningWeir]
) -> None:
    running = []
    for operation, resource in LOST:  # all at once: each loads its models meanwhile
        weir = start_weir(f"lost-{operation}-{resource}".lower())
        create_topics(weir)
        needed = needs(weir, Task.WORKER)
        rights.grant(needed)
        worker = weir.start(**limited(kafka))
        lost = next(row for row in needed if (row["operation"], row["resource"]) == (operation, resource))
        running.append((weir, worker, lost))
    for weir, worker, lost in running:
        worker.wait_for("partitions_assigned")
        rights.revoke(lost)
        weir.produce((event.key, event.raw) for event in generate(200, seed=6, mix=Mix.STRUCTURED))
    for weir, worker, lost in running:
        assert worker.process.wait(60) == 3
        (last,) = (
            line for line in map(json.loads, worker.log.splitlines()) if line["event"] == "worker_failed"
        )
        assert named(lost) in last["message"]
        assert weir.committed() == 0
