"""How Weir gets into Kafka: servers, TLS and SASL, parsed once and given to each client in its own words.

Passwords and tokens come from files alone. They are in no repr, and no message holds them.
"""

import re
import ssl
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from aiokafka.abc import AbstractTokenProvider as AsyncTokenProvider
from kafka.net.sasl.oauth import AbstractTokenProvider as TokenProvider

from service.errors import ConfigurationError
from service.settings import PREFIX, Settings

OAUTHBEARER: Final = "OAUTHBEARER"
_SERVER: Final = re.compile(r"([^\s:/\[\]]+|\[[0-9a-fA-F:]+\]):\d{1,5}")
_TLS: Final = ("tls_ca_file", "tls_certificate_file", "tls_key_file", "tls_key_password_file")
_LOGIN: Final = ("sasl_mechanism", "sasl_username", "sasl_password_file", "sasl_token_file")


@dataclass(frozen=True, slots=True)
class KafkaAccess:
    """Everything that a client needs to connect.

    Attributes:
        bootstrap: `host:port` with commas.
        protocol: PLAINTEXT, SSL, SASL_PLAINTEXT or SASL_SSL.
        mechanism: The SASL mechanism; None without SASL.
        username: For PLAIN and SCRAM.
        password: For PLAIN and SCRAM.
        token_file: For OAUTHBEARER; read at each login, so that a new token is taken up.
        tls: What is trusted and shown over TLS, host names checked; None without TLS.
    """

    bootstrap: str
    protocol: str = "PLAINTEXT"
    mechanism: str | None = None
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    token_file: Path | None = None
    tls: ssl.SSLContext | None = field(default=None, repr=False)

    @classmethod
    def of(cls, settings: Settings) -> "KafkaAccess":
        """Read the files that the settings name.

        Raises:
            ConfigurationError: settings that don't go together, or files that can't be used; a line each.
        """
        problems = list(_contradictions(settings))
        if problems:
            raise ConfigurationError("\n".join(problems))
        if settings.sasl_token_file is not None:
            _read_secret("sasl_token_file", settings.sasl_token_file)
        return cls(
            bootstrap=settings.kafka_bootstrap,
            protocol=settings.security_protocol,
            mechanism=settings.sasl_mechanism,
            username=settings.sasl_username,
            password=_read_secret("sasl_password_file", settings.sasl_password_file),
            token_file=settings.sasl_token_file,
            tls=_tls(settings) if settings.security_protocol.endswith("SSL") else None,
        )

    @property
    def servers(self) -> list[str]:
        """The bootstrap servers one by one."""
        return [server.strip() for server in self.bootstrap.split(",")]

    def for_aiokafka(self) -> dict[str, Any]:
        """Arguments of aiokafka's consumer, producer and admin client."""
        provider = _AsyncTokenFile(self.token_file) if self.token_file else None
        return {"bootstrap_servers": self.servers, **self._security(provider)}

    def for_kafka_python(self) -> dict[str, Any]:
        """Arguments of kafka-python's consumer, producer and admin client."""
        provider = _TokenFile(self.token_file) if self.token_file else None
        return {"bootstrap_servers": self.servers, **self._security(provider)}

    def _security(self, provider: object) -> dict[str, Any]:
        security: dict[str, Any] = {"security_protocol": self.protocol}
        if self.tls is not None:
            security["ssl_context"] = self.tls
        if self.mechanism == OAUTHBEARER:
            security |= {"sasl_mechanism": self.mechanism, "sasl_oauth_token_provider": provider}
        elif self.mechanism is not None:
            security |= {
                "sasl_mechanism": self.mechanism,
                "sasl_plain_username": self.username,
                "sasl_plain_password": self.password,
            }
        return security


class _TokenFile(TokenProvider):  # type: ignore[misc]  # kafka-python has no types
    """Gives kafka-python the token at each login."""

    def __init__(self, file: Path) -> None:
        super().__init__()
        self._file = file

    def token(self) -> str:
        return _token(self._file)


class _AsyncTokenFile(AsyncTokenProvider):  # type: ignore[misc]  # nor has aiokafka
    """Gives aiokafka the token at each login."""

    def __init__(self, file: Path) -> None:
        self._file = file

    async def token(self) -> str:
        return _token(self._file)  # a small local file: no slower than handing it to a thread


def _token(file: Path) -> str:
    """The token; OSError, which the clients take for a failed login and try again, while there is none."""
    token = file.read_text(encoding="ascii").strip()
    if not token:
        raise OSError("the token file is empty")
    return token


def _contradictions(settings: Settings) -> Iterator[str]:
    """What is wrong by itself or can't go together, a line each."""
    if not all(_SERVER.fullmatch(server.strip()) for server in settings.kafka_bootstrap.split(",")):
        yield f"{_name('kafka_bootstrap')} is not host:port, or several of them with commas"
    protocol = f"{_name('security_protocol')}={settings.security_protocol}"
    if settings.security_protocol.endswith("SSL"):
        yield from _certificate_contradictions(settings)
    else:
        yield from (f"{_name(name)} is set, and {protocol} uses no TLS" for name in _given(settings, _TLS))
    if settings.security_protocol.startswith("SASL"):
        yield from _login_contradictions(settings)
    else:
        yield from (f"{_name(name)} is set, and {protocol} uses no SASL" for name in _given(settings, _LOGIN))


def _certificate_contradictions(settings: Settings) -> Iterator[str]:
    if (settings.tls_certificate_file is None) != (settings.tls_key_file is None):
        yield f"{_name('tls_certificate_file')} and {_name('tls_key_file')} belong together: one is missing"
    elif settings.tls_key_password_file is not None and settings.tls_key_file is None:
        yield f"{_name('tls_key_password_file')} is set without {_name('tls_key_file')}"


def _login_contradictions(settings: Settings) -> Iterator[str]:
    if settings.sasl_mechanism is None:
        yield f"{_name('security_protocol')}={settings.security_protocol} needs {_name('sasl_mechanism')}"
        return
    mechanism = f"{_name('sasl_mechanism')}={settings.sasl_mechanism}"
    by_token = settings.sasl_mechanism == OAUTHBEARER
    needed = ("sasl_token_file",) if by_token else ("sasl_username", "sasl_password_file")
    given = _given(settings, _LOGIN)
    yield from (f"{mechanism} needs {_name(name)}" for name in needed if name not in given)
    yield from (
        f"{_name(name)} is set, and {mechanism} does not use it"
        for name in given
        if name not in (*needed, "sasl_mechanism")
    )


def _given(settings: Settings, names: Iterable[str]) -> list[str]:
    return [name for name in names if getattr(settings, name) is not None]


def _tls(settings: Settings) -> ssl.SSLContext:
    """A context that checks the brokers' certificates and host names, as Python's default one does."""
    if settings.tls_ca_file is not None:
        _read_file("tls_ca_file", settings.tls_ca_file)
    try:
        context = ssl.create_default_context(cafile=settings.tls_ca_file)
    except ssl.SSLError:
        raise ConfigurationError(
            f"{_name('tls_ca_file')}: {settings.tls_ca_file} has no certificates in PEM form"
        ) from None
    if settings.tls_certificate_file is not None and settings.tls_key_file is not None:
        _read_file("tls_certificate_file", settings.tls_certificate_file)
        _read_file("tls_key_file", settings.tls_key_file)
        # Without a password OpenSSL would ask the terminal for it; an empty one fails at once.
        password = _read_secret("tls_key_password_file", settings.tls_key_password_file) or ""
        try:
            context.load_cert_chain(settings.tls_certificate_file, settings.tls_key_file, password)
        except ssl.SSLError:
            raise ConfigurationError(
                f"{_name('tls_certificate_file')}, {_name('tls_key_file')}: not a certificate and its key in "
                f"PEM form, or {_name('tls_key_password_file')} has not the key's password"
            ) from None
    return context


def _read_secret(name: str, file: Path | None) -> str | None:
    """The secret in a file, without the end of its line."""
    if file is None:
        return None
    secret = _read_file(name, file).rstrip("\r\n")
    if not secret:
        raise ConfigurationError(f"{_name(name)}: {file} is empty")
    return secret


def _read_file(name: str, file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigurationError(f"{_name(name)}: cannot read {file}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ConfigurationError(f"{_name(name)}: {file} is no text") from None


def _name(field_name: str) -> str:
    return f"{PREFIX}{field_name.upper()}"
