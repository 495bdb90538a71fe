"""Certificates made for one test run, in PEM files."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
)
from cryptography.x509.oid import NameOID

DAY = timedelta(days=1)


@dataclass(frozen=True)
class Identity:
    """A certificate and its key, in files of their own and, as Kafka likes it, in one."""

    certificate: Path
    key: Path
    both: Path


class Authority:
    """A certificate authority.

    Attributes:
        certificate: Its own certificate's file.
    """

    def __init__(self, folder: Path, name: str) -> None:
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _common_name(name)
        usage = x509.BasicConstraints(ca=True, path_length=None)
        certificate = _builder(self._name, self._name, self._key.public_key(), timedelta(), usage)
        self.certificate = folder / f"{name}.pem"
        self.certificate.write_bytes(certificate.sign(self._key, SHA256()).public_bytes(Encoding.PEM))

    def issue(
        self, name: str, host: str = "127.0.0.1", *, age: timedelta = timedelta(), password: str | None = None
    ) -> Identity:
        """A certificate for a host, valid for ten days from `age` and a day ago."""
        key = ec.generate_private_key(ec.SECP256R1())
        usage = x509.BasicConstraints(ca=False, path_length=None)
        builder = _builder(_common_name(name), self._name, key.public_key(), age, usage)
        alternative = x509.IPAddress(ip_address(host)) if host[0].isdigit() else x509.DNSName(host)
        builder = builder.add_extension(x509.SubjectAlternativeName([alternative]), critical=False)
        certificate = builder.sign(self._key, SHA256()).public_bytes(Encoding.PEM)
        encryption: KeySerializationEncryption = NoEncryption()
        if password is not None:
            encryption = BestAvailableEncryption(password.encode())
        private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption)
        identity = Identity(*(self._folder / f"{name}.{part}.pem" for part in ("certificate", "key", "both")))
        identity.certificate.write_bytes(certificate)
        identity.key.write_bytes(private)
        identity.both.write_bytes(private + certificate)
        return identity


def _common_name(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePublicKey,
    age: timedelta,
    usage: x509.BasicConstraints,
) -> x509.CertificateBuilder:
    start = datetime.now(UTC) - age - DAY
    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(key)
    builder = builder.serial_number(x509.random_serial_number())
    builder = builder.not_valid_before(start).not_valid_after(start + 10 * DAY)
    return builder.add_extension(usage, critical=True)
