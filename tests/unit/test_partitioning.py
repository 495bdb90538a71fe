"""Keys go to the partitions that Kafka's Java clients choose."""

import shutil
import subprocess
from pathlib import Path
from random import Random

import pytest
from aiokafka.partitioner import murmur2 as aiokafkas
from hypothesis import given
from hypothesis import strategies as st

from service.broker.fetch import jars_folder
from service.output.partitioning import key_hash, murmur2

JAVA_PROGRAM = Path(__file__).with_name("JavaPartitions.java")


@pytest.mark.parametrize(
    ("key", "javas"),
    [
        (b"21", -973932308),
        (b"foobar", -790332482),
        (b"a-little-bit-long-string", -985981536),
        (b"a-little-bit-longer-string", -1486304829),
        (b"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971),
        (b"abc", 479470107),
    ],
)
def test_the_hashes_of_kafkas_own_test(key: bytes, javas: int) -> None:
    """`UtilsTest.testMurmur2` of Apache Kafka; Java's integers have a sign."""
    assert murmur2(key) == javas % 2**32


@given(st.binary(max_size=80))
def test_the_hash_of_another_client(key: bytes) -> None:
    assert murmur2(key) == aiokafkas(key)
    assert key_hash(key) == aiokafkas(key) % 2**31


@pytest.mark.skipif(
    not (shutil.which("javac") and jars_folder().is_dir()), reason="needs a JDK to compile with"
)
def test_where_the_java_producer_puts_keys() -> None:
    random = Random(7)
    asked = [(random.randbytes(1 + number % 70), 1 + number % 97) for number in range(2000)]
    command = ["java", "-XX:TieredStopAtLevel=1", "-cp", f"{jars_folder()}/*", str(JAVA_PROGRAM)]
    lines = "".join(f"{key.hex()} {partitions}\n" for key, partitions in asked)
    done = subprocess.run(command, input=lines, capture_output=True, text=True, check=True, timeout=120)
    assert [int(line) for line in done.stdout.split()] == [
        key_hash(key) % partitions for key, partitions in asked
    ]
