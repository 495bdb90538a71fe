"""The first connection to Kafka: what is wrong with address, TLS or login, said in one line.

Kafka's client libraries try again for ever, or until a time is over, and then only tell that it is over. So
before any of them is made, one plain connection goes through all the steps.
"""

import asyncio
import logging
import ssl
from collections.abc import Iterator
from typing import Final

from aiokafka.conn import AIOKafkaConnection, collect_hosts
from aiokafka.errors import (
    IllegalSaslStateError,
    IncompatibleBrokerVersion,
    KafkaError,
    SaslAuthenticationFailed,
    UnsupportedSaslMechanismError,
)
from aiokafka.protocol.metadata import MetadataRequest

from service.errors import BrokerError
from service.kafka_access import OAUTHBEARER, KafkaAccess

#: Seconds until a Kafka that does not answer is reported.
ANSWER_TIMEOUT: Final = 10.0
#: Seconds until a server that is not there is tried again.
_PAUSE: Final = 0.5
#: Seconds that a socket may take to close.
_CLOSE_TIMEOUT: Final = 0.1

#: OpenSSL's reasons to refuse a certificate (X509_verify_cert_error_string(3)).
_CERTIFICATE_FAULTS: Final = {
    9: "its certificate is not valid yet",
    10: "its certificate has expired",
    62: "its certificate is for another host name; connect by the name it is for",
    64: "its certificate is for another address; connect by the name it is for",
}
_UNTRUSTED: Final = "its certificate is not signed by an authority in WEIR_TLS_CA_FILE"
_FAULTS: Final = {
    UnsupportedSaslMechanismError: "it takes no logins of this kind: see WEIR_SASL_MECHANISM",
    IllegalSaslStateError: "it takes no logins: see WEIR_SECURITY_PROTOCOL",
    IncompatibleBrokerVersion: "it is a controller, or too old a broker: see WEIR_KAFKA_BOOTSTRAP",
}

# Without a handler, aiokafka's warnings would stand on a command's stderr beside its one line.
logging.getLogger("aiokafka").addHandler(logging.NullHandler())

Address = tuple[str, int]


def check_connection(access: KafkaAccess) -> None:
    """Connect and log in to one of the bootstrap servers, and to every broker that it names.

    Raises:
        BrokerError: Kafka does not answer, or refuses.
    """
    # The event loop that was set for this thread stays the one that is set.
    with asyncio.Runner(loop_factory=asyncio.new_event_loop) as runner:
        runner.run(_check(access))


async def _check(access: KafkaAccess) -> None:
    hosts = [(host, port) for host, port, _ in collect_hosts(access.servers)]
    brokers = await _first_answer(hosts, access, f"no Kafka answers at {access.bootstrap}")
    named = ", ".join(f"{host}:{port}" for host, port in brokers)
    await _first_answer(
        brokers, access, f"Kafka at {access.bootstrap} names brokers that don't answer: {named}"
    )


async def _first_answer(hosts: list[Address], access: KafkaAccess, silence: str) -> list[Address]:
    """Connect to all of them, again while all are silent; the brokers that one of them names.

    Raises:
        BrokerError: one refuses, or all stay silent.
    """
    deadline = asyncio.get_running_loop().time() + ANSWER_TIMEOUT
    while asyncio.get_running_loop().time() < deadline:
        answers = await asyncio.gather(
            *(_brokers(host, access, deadline) for host in hosts), return_exceptions=True
        )
        for answer in answers:
            if isinstance(answer, BaseException) and not isinstance(answer, OSError):
                raise answer
        for answer in answers:
            if isinstance(answer, list):
                return answer
        await asyncio.sleep(_PAUSE)
    raise BrokerError(f"{silence} within {ANSWER_TIMEOUT:.0f} s; see WEIR_KAFKA_BOOTSTRAP")


async def _brokers(address: Address, access: KafkaAccess, deadline: float) -> list[Address]:
    """The brokers that one of them names.

    Raises:
        BrokerError: it refuses.
        OSError: it does not answer.
    """
    security = {name: value for name, value in access.for_aiokafka().items() if name != "bootstrap_servers"}
    connection = AIOKafkaConnection(*address, **security)
    try:
        async with asyncio.timeout_at(deadline):
            await connection.connect()
            answer = await connection.send(MetadataRequest([]))
    except (KafkaError, OSError) as error:
        fault = next((fault for each in causes(error) if (fault := _fault(each, access))), None)
        if fault is None and isinstance(error, KafkaError | ConnectionResetError):
            fault = f"it closes the connection; does it take {access.protocol}? see WEIR_SECURITY_PROTOCOL"
        if fault is None:
            raise
        raise BrokerError(f"Kafka at {address[0]}:{address[1]}: {fault}") from None
    finally:
        await asyncio.wait([connection.close()], timeout=_CLOSE_TIMEOUT)
    if not answer.brokers and access.mechanism == OAUTHBEARER:  # aiokafka takes the refusal for the answer
        raise BrokerError(f"Kafka at {address[0]}:{address[1]}: {_login_refused(access)}")
    if not answer.brokers:
        raise ConnectionError("it knows of no brokers yet")
    return [(host, port) for _, host, port, _ in answer.brokers]


def causes(error: BaseException) -> Iterator[BaseException]:
    """An error and those it was raised from."""
    cause: BaseException | None = error
    while cause is not None:
        yield cause
        cause = cause.__cause__


def _fault(error: BaseException, access: KafkaAccess) -> str | None:
    """What an error says for sure."""
    match error:
        case ssl.SSLCertVerificationError():
            return _CERTIFICATE_FAULTS.get(error.verify_code, _UNTRUSTED)
        case ssl.SSLError() if "CERTIFICATE" in (error.reason or ""):  # an alert sent by the broker
            return "it refuses Weir's certificate, or asks for one: see WEIR_TLS_CERTIFICATE_FILE"
        case ssl.SSLError():
            return "no TLS is spoken there, or none in common: see WEIR_SECURITY_PROTOCOL"
        case SaslAuthenticationFailed():
            return _login_refused(access)
        case _:
            return _FAULTS.get(type(error))


def _login_refused(access: KafkaAccess) -> str:
    if access.mechanism == OAUTHBEARER:
        return "it refuses the token in WEIR_SASL_TOKEN_FILE, which may have expired"
    return f"it refuses user {access.username} or the password in WEIR_SASL_PASSWORD_FILE"
