"""Every setting of Weir: environment variables with the prefix `WEIR_`, parsed once at start-up."""

import os
from difflib import get_close_matches
from pathlib import Path
from typing import Literal

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from service.errors import ConfigurationError

PREFIX = "WEIR_"


class Settings(BaseSettings):
    """The settings; every field is the environment variable of the same name with `WEIR_` in front."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="forbid")

    kafka_bootstrap: str = Field(
        default="127.0.0.1:9092", description="Bootstrap servers, `host:port` with commas."
    )
    security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = Field(
        default="PLAINTEXT", description="How Kafka is spoken to."
    )
    sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "OAUTHBEARER"] | None = Field(
        default=None, description="How Weir logs in, over SASL."
    )
    sasl_username: str | None = Field(
        default=None, min_length=1, description="User name for PLAIN and SCRAM."
    )
    sasl_password_file: Path | None = Field(
        default=None, description="File with the password for PLAIN and SCRAM."
    )
    sasl_token_file: Path | None = Field(
        default=None, description="File with the token for OAUTHBEARER, read at each login."
    )
    tls_ca_file: Path | None = Field(
        default=None, description="Certificates (PEM) to trust in place of the system's."
    )
    tls_certificate_file: Path | None = Field(
        default=None, description="Weir's own certificate and its chain (PEM), for mutual TLS."
    )
    tls_key_file: Path | None = Field(default=None, description="Key (PEM) of Weir's own certificate.")
    tls_key_password_file: Path | None = Field(
        default=None, description="File with the password of that key."
    )
    group_id: str = Field(
        default="weir", min_length=1, description="Consumer group, and prefix of transactional ids."
    )
    raw_topic: str = Field(default="events.raw", min_length=1, description="Topic of the raw events.")
    dead_letter_topic: str = Field(
        default="events.dead-letter", min_length=1, description="Topic of the dead letters."
    )
    control_topic: str = Field(
        default="weir.control",
        min_length=1,
        description="Topic of the circuit breakers' states and of replays' jobs.",
    )
    config_dir: Path = Field(default=Path("config"), description="Folder of tracking_plan.yaml and vendors/.")
    keyring_file: Path | None = Field(
        default=None, description="Key ring file; required to sanitize anything."
    )
    keyring_kek_file: Path | None = Field(
        default=None, description="File with the key that wraps the key ring's keys (docs/keys.md)."
    )
    spacy_model: Literal["en_core_web_md", "en_core_web_sm"] = Field(
        default="en_core_web_md", description="spaCy model for English and unrecognized languages."
    )
    detection_profile: Literal["fast", "balanced", "strict"] = Field(
        default="balanced", description="How much looks at a text (docs/detection.md)."
    )
    processes: int = Field(
        default=2, ge=1, le=64, description="Sanitizer processes; they share the memory of the models."
    )
    batch_records: int = Field(default=5000, ge=1, le=10_000, description="Most raw records in a batch.")
    batch_bytes: int = Field(
        default=8_388_608, ge=1_048_576, le=67_108_864, description="Most bytes of raw records in a batch."
    )
    compression: Literal["none", "gzip", "snappy", "lz4", "zstd"] = Field(
        default="zstd", description="How the records of vendor topics and dead letters are compressed."
    )
    batch_timeout: float = Field(
        default=60.0,
        gt=0,
        le=3600,
        description="Seconds of processor time a batch may take; then each of its records goes alone.",
    )
    record_timeout: float = Field(
        default=120.0, gt=0, le=3600, description="Seconds of processor time a record alone may take."
    )
    self_check: int = Field(
        default=1000,
        ge=0,
        description="Of so many events one has its payloads held against whole schemas; 0 for none.",
    )
    recycle_records: int = Field(
        default=500_000, ge=1, description="Records after which a sanitizer process is replaced."
    )
    recycle_memory: int = Field(
        default=1024,
        ge=768,
        le=65_536,
        description="Resident memory, in MiB, beyond which a sanitizer process is replaced after its batch.",
    )
    process_memory: int = Field(
        default=3072,
        ge=1024,
        le=65_536,
        description="Memory, in MiB, that a sanitizer process may take; a record that needs more fails.",
    )
    stall_timeout: float = Field(
        default=300.0,
        ge=5,
        le=86_400,
        description="Seconds without progress until a worker ends with exit code 3.",
    )
    transaction_timeout: float = Field(
        default=60.0, ge=5, le=900, description="Seconds until Kafka aborts an open transaction."
    )
    session_timeout: float = Field(
        default=30.0, ge=6, le=300, description="Seconds without a heartbeat until the group drops a worker."
    )
    shutdown_grace: float = Field(
        default=20.0, gt=0, le=600, description="Seconds that SIGTERM leaves the batches in flight."
    )
    probe_port: int = Field(
        default=8086, ge=0, le=65_535, description="Probe and metrics port; 0 takes a free one."
    )
    probe_host: str = Field(default="127.0.0.1", description="Address the probe port is bound to.")
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="Least level logged."
    )
    log_format: Literal["auto", "console", "json"] = Field(
        default="auto",
        description="Log lines for people or for machines; auto asks whether stderr is a terminal.",
    )


def load_settings() -> Settings:
    """Parse the environment.

    Raises:
        ConfigurationError: naming every unknown or wrong variable at once, with the nearest known name.
            Values are never shown: a variable may hold a secret.
    """
    known = [f"{PREFIX}{name.upper()}" for name in Settings.model_fields]
    problems = []
    for name in sorted(os.environ):
        if name.upper().startswith(PREFIX) and name.upper() not in known:
            near = get_close_matches(name.upper(), known, n=1)
            problems.append(f"{name} is not a setting" + (f"; did you mean {near[0]}?" if near else ""))
    try:
        settings = Settings()
    except ValidationError as error:
        problems += [
            f"{PREFIX}{str(mistake['loc'][0]).upper()}: {mistake['msg']}"
            for mistake in error.errors(include_input=False, include_url=False)
        ]
        raise ConfigurationError("\n".join(problems)) from None
    if problems:
        raise ConfigurationError("\n".join(problems))
    return settings
