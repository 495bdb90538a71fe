"""A job goes on under the keys that it began with, and versions of later events may follow."""

import pytest

from service.policy.vendor_names import VendorName
from service.pseudonyms.key_version import KeyVersion
from service.pseudonyms.keyring import KeyRing
from service.replay.definition import Arguments, Definition
from service.replay.plan import _same_keys

BEGUN = 1_000
K1 = KeyVersion("k1", 0, bytes(range(32)))
K2 = KeyVersion("k2", 5_000, bytes(range(1, 33)))


@pytest.mark.parametrize(
    ("versions", "same"),
    [
        ((K1, K2), True),
        ((K1, KeyVersion("m", 2_000, bytes(range(2, 34)), vendor=VendorName.MIXPANEL), K2), True),
        ((K1, K2, KeyVersion("k3", 9_000, bytes(range(3, 35)))), True),
        ((K1, KeyVersion("m", 1_000, bytes(range(2, 34)), vendor=VendorName.MIXPANEL), K2), False),
        ((K1,), False),
        ((KeyVersion("k1", 0, bytes(range(4, 36))), K2), False),
        ((K1.without_key(500), K2), False),
    ],
)
def test_the_keys_of_a_job(versions: tuple[KeyVersion, ...], *, same: bool) -> None:
    known = Definition(
        job="j",
        shard=0,
        shards=1,
        begun=BEGUN * 1000,
        arguments=Arguments(topics=("raw",)),
        vendors=(VendorName.MIXPANEL,),
        policy="f",
        keys=KeyRing((K1, K2)).checks,
        ranges=(),
    )
    assert _same_keys(known, KeyRing(versions).checks) is same
