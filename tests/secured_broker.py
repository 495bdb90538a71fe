"""A Kafka that demands TLS, SASL and rights: a listener for each way in, and for each mistake."""

import base64
import json
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from kafka import KafkaAdminClient
from kafka.admin import (
    ACL,
    ACLFilter,
    ACLOperation,
    ACLPermissionType,
    ACLResourcePatternType,
    ResourcePattern,
    ResourcePatternFilter,
    ResourceType,
    ScramMechanism,
    UserScramCredentialUpsertion,
)

from service.broker.local import LocalBroker
from tests.certificates import Authority, Identity
from tests.running_weir import admin, wait_until

#: The user who may do everything, and the one who may do what a test grants. Their passwords are their own.
OPERATOR, WEIR = "operator", "weir"
PASSWORDS = {OPERATOR: "long-and-secret-1", WEIR: "long-and-secret-2"}

KEY_PASSWORD = "long-and-secret-3"

LISTENERS = {
    "PASSWORDS": "SASL_PLAINTEXT",
    "TOKENS": "SASL_PLAINTEXT",
    "TLS": "SSL",
    "MUTUAL": "SSL",
    "BOTH": "SASL_SSL",
    "EXPIRED": "SSL",
    "ELSEWHERE": "SSL",
    "STRANGE": "SSL",
}
MECHANISMS = ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512")


@dataclass(frozen=True)
class SecuredBroker:
    """The running broker.

    Attributes:
        broker: Without a login, everything may be done on its plain-text listener.
        folder: Where its certificates are.
        client: The operator's certificate.
    """

    broker: LocalBroker
    folder: Path
    authority: Authority
    client: Identity

    def listener(self, name: str) -> dict[str, str]:
        """Settings for a listener, without login."""
        settings = {
            "WEIR_KAFKA_BOOTSTRAP": self.broker.addresses[name],
            "WEIR_SECURITY_PROTOCOL": LISTENERS[name],
        }
        if LISTENERS[name].endswith("SSL"):
            settings["WEIR_TLS_CA_FILE"] = str(self.authority.certificate)
        return settings

    def login(self, mechanism: str, user: str = OPERATOR) -> dict[str, str]:
        """Settings for a login with a password."""
        return {
            "WEIR_SASL_MECHANISM": mechanism,
            "WEIR_SASL_USERNAME": user,
            "WEIR_SASL_PASSWORD_FILE": str(self.secret(PASSWORDS[user])),
        }

    def secret(self, value: str) -> Path:
        """A file with a secret in one line."""
        file = self.folder / f"secret-{time.monotonic_ns()}"
        file.write_text(f"{value}\n")
        return file


def secrets_in(text: str) -> list[str]:
    """The passwords that a text gives away, and the beginning of any token."""
    return [secret for secret in (*PASSWORDS.values(), KEY_PASSWORD, TOKEN_HEAD) if secret in text]


class Rights:
    """What users are allowed, in the words that `weir topics acls --json` prints."""

    def __init__(self, client: KafkaAdminClient) -> None:
        self._client = client

    def grant(self, rows: Iterable[Mapping[str, str]]) -> None:
        """Allow, and wait until the broker knows."""
        rights = [_acl(row) for row in rows]
        assert not self._client.create_acls(rights)["failed"]
        wait_until(lambda: all(self._known(each) for each in rights), "rights granted")

    def revoke(self, row: Mapping[str, str]) -> None:
        """Allow no more, and wait until the broker knows."""
        right = _acl(row)
        assert len(self._client.delete_acls([right])[0][1]) == 1
        wait_until(lambda: not self._known(right), "right revoked")

    def revoke_all(self) -> None:
        """Allow nothing to anybody."""
        everything = ResourcePatternFilter(ResourceType.ANY, None, ACLResourcePatternType.ANY)
        whole = ACLFilter(None, None, ACLOperation.ANY, ACLPermissionType.ANY, everything)
        self._client.delete_acls([whole])
        wait_until(lambda: not self._known(whole), "rights revoked")

    def _known(self, wanted: ACLFilter) -> bool:
        return bool(self._client.describe_acls(wanted)[0])


def _acl(row: Mapping[str, str]) -> ACL:
    pattern = ACLResourcePatternType[row["pattern"]]
    resource = ResourcePattern(ResourceType[row["resource"]], row["name"], pattern)
    permission = ACLPermissionType[row["permission"]]
    return ACL(row["principal"], row["host"], ACLOperation[row["operation"]], permission, resource)


@contextmanager
def secured_broker(folder: Path) -> Iterator[SecuredBroker]:
    """Start it, with the passwords of both users known to it."""
    authority, stranger = Authority(folder, "authority"), Authority(folder, "stranger")
    certificates = {
        "TLS": authority.issue("broker"),
        "EXPIRED": authority.issue("expired", age=timedelta(days=30)),
        "ELSEWHERE": authority.issue("elsewhere", "kafka.example.com"),
        "STRANGE": stranger.issue("strange"),
    }
    properties = _properties(authority, certificates)
    with LocalBroker(properties, listeners=[*LISTENERS]) as broker:
        with admin(broker.bootstrap) as client:
            _add_users(client)
        yield SecuredBroker(broker, folder, authority, authority.issue(OPERATOR, password=KEY_PASSWORD))


def token(user: str, seconds: float = 3600) -> str:
    """A token that Kafka's test validator takes: unsigned, for `seconds` from now on."""
    now = int(time.time())
    claims = {"sub": user, "iat": now - 10, "exp": int(now + seconds)}
    return f"{TOKEN_HEAD}.{_encoded(claims)}."


def _encoded(part: dict[str, object]) -> str:
    return base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=")


TOKEN_HEAD = _encoded({"alg": "none"})


def _properties(authority: Authority, certificates: dict[str, Identity]) -> dict[str, str]:
    protocols = {"PLAINTEXT": "PLAINTEXT", "CONTROLLER": "PLAINTEXT", **LISTENERS}
    users = " ".join(f'user_{user}="{password}"' for user, password in PASSWORDS.items())
    properties = {
        "listener.security.protocol.map": ",".join(f"{name}:{kind}" for name, kind in protocols.items()),
        "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
        "super.users": f"User:ANONYMOUS;User:{OPERATOR};User:CN={OPERATOR}",
        "sasl.enabled.mechanisms": ",".join(MECHANISMS),
        "listener.name.tokens.sasl.enabled.mechanisms": "OAUTHBEARER",
        "listener.name.tokens.oauthbearer.sasl.jaas.config": _jaas(
            "oauthbearer.OAuthBearer", 'unsecuredLoginStringClaim_sub="broker"'
        ),
        "listener.name.mutual.ssl.client.auth": "required",
        "ssl.truststore.type": "PEM",
        "ssl.truststore.location": str(authority.certificate),
    }
    for listener in ("passwords", "both"):
        properties[f"listener.name.{listener}.plain.sasl.jaas.config"] = _jaas("plain.Plain", users)
        for mechanism in ("scram-sha-256", "scram-sha-512"):
            properties[f"listener.name.{listener}.{mechanism}.sasl.jaas.config"] = _jaas("scram.Scram", "")
    for listener, kind in LISTENERS.items():
        if kind.endswith("SSL"):
            identity = certificates.get(listener, certificates["TLS"])
            prefix = f"listener.name.{listener.lower()}.ssl.keystore"
            properties |= {f"{prefix}.type": "PEM", f"{prefix}.location": str(identity.both)}
    return properties


def _jaas(module: str, options: str) -> str:
    return f"org.apache.kafka.common.security.{module}LoginModule required {options};"


def _add_users(client: KafkaAdminClient) -> None:
    for mechanism in (ScramMechanism.SCRAM_SHA_256, ScramMechanism.SCRAM_SHA_512):
        users = [
            UserScramCredentialUpsertion(user, mechanism, password) for user, password in PASSWORDS.items()
        ]
        assert not any(client.alter_user_scram_credentials(users).values())
    wait_until(lambda: client.describe_user_scram_credentials().keys() == PASSWORDS.keys(), "known users")
