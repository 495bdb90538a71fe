"""Apache Kafka's jars, from Maven into the user's cache: `python -m service.broker.fetch`."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from service.errors import BrokerError, WeirError

KAFKA_VERSION = "4.3.1"
#: Kafka 4 brokers run on Java 17 or later (its upgrade notes, "Notable changes in 4.0.0").
LEAST_JAVA = 17

POM = Path(__file__).with_name("pom.xml")
PACKAGES = ("openjdk-17-jre-headless", "maven")
ADVICE = f"install Java {LEAST_JAVA} or later and Maven (Debian: apt-get install {' '.join(PACKAGES)})"
DOWNLOAD_TIMEOUT = 600.0


def jars_folder() -> Path:
    """Where the jars are kept, whether or not they are there yet."""
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(cache) / "weir" / f"kafka-{KAFKA_VERSION}"


def fetch() -> Path:
    """The folder with the jars, downloaded first if need be. Safe to call from several processes at once.

    Raises:
        BrokerError: Java or Maven is missing and can't be installed, or the download failed.
    """
    folder = jars_folder()
    if folder.is_dir():
        _require("java")
        return folder
    _require("java", "mvn")
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".kafka-") as scratch:
        jars = Path(scratch) / "jars"
        _download(jars)
        try:
            jars.rename(folder)
        except OSError:
            if not folder.is_dir():  # else another process was faster
                raise
    return folder


def _download(target: Path) -> None:
    command = ["mvn", "--quiet", "--batch-mode", "--file", str(POM), f"-Dkafka.version={KAFKA_VERSION}"]
    command += ["dependency:copy-dependencies", "-DincludeScope=runtime", f"-DoutputDirectory={target}"]
    try:
        done = subprocess.run(  # noqa: S603 - a fixed command, no shell
            command, capture_output=True, text=True, timeout=DOWNLOAD_TIMEOUT, check=False
        )
    except subprocess.TimeoutExpired:
        raise BrokerError(f"Maven did not deliver Kafka's jars in {DOWNLOAD_TIMEOUT:.0f} s") from None
    if done.returncode:
        raise BrokerError(f"Maven could not deliver Kafka's jars:\n{(done.stdout + done.stderr)[-2000:]}")


def _require(*programs: str) -> None:
    if all(_usable(program) for program in programs):
        return
    if os.geteuid() == 0 and shutil.which("apt-get"):
        _apt_install()
    if not all(_usable(program) for program in programs):
        raise BrokerError(f"the local Kafka needs {' and '.join(programs)}: {ADVICE}")


def _usable(program: str) -> bool:
    if shutil.which(program) is None:
        return False
    return program != "java" or _java_version() >= LEAST_JAVA


def _java_version() -> int:
    """Major version of the `java` on the path; 0 if it doesn't say."""
    answer = subprocess.run(  # a fixed command
        ["java", "-version"],  # noqa: S607 - whichever Java the user has on the path
        capture_output=True,
        text=True,
        check=False,
    )
    found = re.search(r'version "(\d+)', answer.stderr)
    return int(found.group(1)) if found else 0


def _apt_install() -> None:
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    install = ["apt-get", "install", "--yes", "--no-install-recommends", *PACKAGES]
    for command in (["apt-get", "update"], install):
        done = subprocess.run(  # noqa: S603 - fixed commands, no shell
            command, env=environment, capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise BrokerError(f"{' '.join(command)} failed:\n{done.stderr[-2000:]}\n{ADVICE}")


def main() -> int:
    """Fetch the jars and say where they are."""
    try:
        folder = fetch()
    except WeirError as error:
        sys.stderr.write(f"weir: {error}\n")
        return error.exit_code
    sys.stdout.write(f"Apache Kafka {KAFKA_VERSION} in {folder}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
