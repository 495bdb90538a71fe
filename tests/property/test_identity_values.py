"""The short cuts to an event's own identity values miss none of them."""

import base64
from random import Random
from urllib.parse import quote

import pytest

from service.detection.known_values import Kind, KnownValues, probed
from service.events.decode import decode
from service.events.event import Rejection
from service.sanitize.identity_tree import IdentityTree
from tests.reference.agreement import case
from tests.reference.events import PEOPLE
from tests.reference.known import identities

KINDS = list(Kind)
ALPHABETS = ("ab1", "123456789", "12.", "a-1", "Zoë", "王小明", "aB3_+@.")


def drawn_value(rng: Random) -> str:
    if rng.random() < 0.3:
        return str(rng.choice(rng.choice(PEOPLE)))
    return "".join(rng.choices(rng.choice(ALPHABETS), k=rng.randint(1, 12)))


def drawn_text(rng: Random, value: str) -> str:
    """A text in which the value may stand, in one form or another."""
    written = rng.choice(
        (
            value,
            value.upper(),
            value.replace(".", "-").replace(" ", "_"),
            " ".join(value),
            value[::-1],
            quote(value, safe=""),
            base64.b64encode(rng.randbytes(rng.randint(0, 2)) + value.encode()).decode(),
            value.encode().hex(),
        )
    )
    return rng.choice(("{}", "{}", "{}s", "x {}", "so says {}, again", "/users/{}/keys")).format(written)


@pytest.mark.parametrize("seed", range(10))
def test_the_quick_look_misses_nothing_that_a_search_would_find(seed: int) -> None:
    rng = Random(seed)
    found = 0
    for _ in range(300):
        value, kind = drawn_value(rng), rng.choice(KINDS)
        text = drawn_text(rng, value)
        known = KnownValues([(value, kind)])
        if known.spans(text):
            found += 1
            assert known.may_stand_in([probed([text])]), (value, kind, text)
            assert known.may_stand_in([probed(["before", text, "after"])]), (value, kind, text)
    assert found > 50


@pytest.mark.parametrize("seed", range(30, 42))
def test_one_walk_finds_what_the_plan_names_and_what_looks_like_somebodys(seed: int) -> None:
    of = case(seed, 60)
    policy = of.policy.compiled
    tree = IdentityTree(policy.identity_fields)
    for record in of.records:
        event = decode(record)
        if record is not None and not isinstance(event, Rejection):
            found = {(written, kind) for written, kind in tree.walk(event.body, record) if written}
            assert found == identities(event, policy)
