"""Settings for the way into Kafka: what belongs together, and that no secret is shown."""

from pathlib import Path
from typing import Any

import pytest

from service.errors import ConfigurationError
from service.kafka_access import KafkaAccess
from service.settings import Settings
from tests.certificates import Authority

PASSWORD = "correct-horse-7f3a"


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Path]:
    authority = Authority(tmp_path, "authority")
    plain = authority.issue("plain")
    locked = authority.issue("locked", password=PASSWORD)
    found = {
        "ca": authority.certificate,
        "certificate": plain.certificate,
        "key": plain.key,
        "locked-certificate": locked.certificate,
        "locked-key": locked.key,
        "nowhere": tmp_path / "nowhere",
        "folder": tmp_path,
    }
    contents = {
        "password": f"{PASSWORD}\n",
        "other": "wrong\n",
        "empty": "\n",
        "token": "a.b.",
        "binary": "\xff",
    }
    for name, content in contents.items():
        found[name] = tmp_path / name
        found[name].write_bytes(content.encode("latin-1"))
    return found


SASL: dict[str, Any] = {
    "security_protocol": "SASL_SSL",
    "sasl_mechanism": "SCRAM-SHA-512",
    "sasl_username": "weir",
    "sasl_password_file": "password",
}


def access(files: dict[str, Path], settings: dict[str, Any]) -> KafkaAccess:
    """The access of settings that name files by their short names."""
    named: dict[str, Any] = {
        key: files[value] if key.endswith("_file") else value for key, value in settings.items()
    }
    return KafkaAccess.of(Settings(**named))


@pytest.mark.parametrize(
    ("settings", "complaints"),
    [
        ({"kafka_bootstrap": "kafka"}, ["WEIR_KAFKA_BOOTSTRAP is not host:port"]),
        ({"kafka_bootstrap": "a:1,,b:2"}, ["WEIR_KAFKA_BOOTSTRAP is not host:port"]),
        ({"sasl_mechanism": "PLAIN"}, ["WEIR_SASL_MECHANISM is set", "PLAINTEXT uses no SASL"]),
        ({"tls_ca_file": "ca"}, ["WEIR_TLS_CA_FILE is set", "PLAINTEXT uses no TLS"]),
        ({"security_protocol": "SASL_PLAINTEXT"}, ["SASL_PLAINTEXT needs WEIR_SASL_MECHANISM"]),
        (
            {"security_protocol": "SASL_PLAINTEXT", "sasl_mechanism": "PLAIN"},
            ["PLAIN needs WEIR_SASL_USERNAME", "PLAIN needs WEIR_SASL_PASSWORD_FILE"],
        ),
        (
            {"security_protocol": "SASL_SSL", "sasl_mechanism": "OAUTHBEARER"},
            ["OAUTHBEARER needs WEIR_SASL_TOKEN_FILE"],
        ),
        (SASL | {"sasl_token_file": "token"}, ["WEIR_SASL_TOKEN_FILE is set", "does not use it"]),
        (SASL | {"sasl_password_file": "nowhere"}, ["WEIR_SASL_PASSWORD_FILE", "nowhere", "No such file"]),
        (SASL | {"sasl_password_file": "folder"}, ["WEIR_SASL_PASSWORD_FILE", "Is a directory"]),
        (SASL | {"sasl_password_file": "empty"}, ["WEIR_SASL_PASSWORD_FILE", "is empty"]),
        (SASL | {"sasl_password_file": "binary"}, ["WEIR_SASL_PASSWORD_FILE", "is no text"]),
        (
            {"security_protocol": "SASL_SSL", "sasl_mechanism": "OAUTHBEARER", "sasl_token_file": "empty"},
            ["WEIR_SASL_TOKEN_FILE", "is empty"],
        ),
        ({"security_protocol": "SSL", "tls_ca_file": "password"}, ["WEIR_TLS_CA_FILE", "no certificates"]),
        ({"security_protocol": "SSL", "tls_certificate_file": "certificate"}, ["WEIR_TLS_KEY_FILE belong"]),
        ({"security_protocol": "SSL", "tls_key_file": "key"}, ["WEIR_TLS_KEY_FILE belong together"]),
        ({"security_protocol": "SSL", "tls_key_password_file": "password"}, ["without WEIR_TLS_KEY_FILE"]),
        (
            {"security_protocol": "SSL", "tls_certificate_file": "certificate", "tls_key_file": "nowhere"},
            ["WEIR_TLS_KEY_FILE", "No such file"],
        ),
        (
            {"security_protocol": "SSL", "tls_certificate_file": "locked-certificate", "tls_key_file": "key"},
            ["not a certificate and its key"],
        ),
        (
            {"security_protocol": "SSL", "tls_certificate_file": "locked-certificate"}
            | {"tls_key_file": "locked-key"},
            ["WEIR_TLS_KEY_PASSWORD_FILE has not the key's password"],
        ),
        (
            {"security_protocol": "SSL", "tls_certificate_file": "locked-certificate"}
            | {"tls_key_file": "locked-key", "tls_key_password_file": "other"},
            ["WEIR_TLS_KEY_PASSWORD_FILE has not the key's password"],
        ),
    ],
)
def test_what_is_wrong_stops_the_start(
    files: dict[str, Path], settings: dict[str, Any], complaints: list[str]
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        access(files, settings)
    message = str(caught.value)
    assert all(complaint in message for complaint in complaints), message
    assert message.count("\n") < len(complaints)
    assert PASSWORD not in message


def test_a_locked_key_opens_with_its_password(files: dict[str, Path]) -> None:
    settings = {"security_protocol": "SSL", "tls_ca_file": "ca", "tls_certificate_file": "locked-certificate"}
    settings |= {"tls_key_file": "locked-key", "tls_key_password_file": "password"}
    tls = access(files, settings).tls
    assert tls is not None
    assert tls.check_hostname


def test_every_client_gets_the_same(files: dict[str, Path]) -> None:
    found = access(files, SASL | {"kafka_bootstrap": "one:1, two:2"})
    assert found.for_aiokafka() == found.for_kafka_python()
    assert found.for_aiokafka() == {
        "bootstrap_servers": ["one:1", "two:2"],
        "security_protocol": "SASL_SSL",
        "ssl_context": found.tls,
        "sasl_mechanism": "SCRAM-SHA-512",
        "sasl_plain_username": "weir",
        "sasl_plain_password": PASSWORD,
    }


def test_no_secret_is_shown(files: dict[str, Path]) -> None:
    assert PASSWORD not in repr(access(files, SASL))


async def test_a_token_is_read_at_each_login(files: dict[str, Path]) -> None:
    settings = {"security_protocol": "SASL_PLAINTEXT", "sasl_mechanism": "OAUTHBEARER"}
    found = access(files, settings | {"sasl_token_file": "token"})
    waiting = found.for_aiokafka()["sasl_oauth_token_provider"]
    blocking = found.for_kafka_python()["sasl_oauth_token_provider"]
    assert [await waiting.token(), blocking.token()] == ["a.b.", "a.b."]
    files["token"].write_text("c.d.\n")
    assert [await waiting.token(), blocking.token()] == ["c.d.", "c.d."]
    files["token"].write_text("")
    with pytest.raises(OSError, match="empty"):
        blocking.token()
