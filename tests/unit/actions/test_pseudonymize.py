import pytest

from service.actions.action import REFUSED
from service.events.json_value import JsonValue
from service.policy.action_specs import Pseudonymize
from tests.applied_action import applied


def test_one_value_one_pseudonym_of_its_class() -> None:
    first = applied(Pseudonymize(), "usr_42")
    assert first.result == applied(Pseudonymize(), "usr_42").result
    assert first.result != applied(Pseudonymize(), "usr_43").result
    assert first.result != applied(Pseudonymize(), "usr_42", data_class="identifier.device").result
    assert "usr_42" not in str(first.result)


def test_the_gate_is_told() -> None:
    assert applied(Pseudonymize(), "usr_42").generated == {applied(Pseudonymize(), "usr_42").result}


def test_numbers_and_strings_agree() -> None:
    assert applied(Pseudonymize(), 42).result == applied(Pseudonymize(), "42").result


@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        False,
        4.2,
        42.0,
        [],
        ["usr_42"],
        {},
        "",
        "  ",
        0,
        -1,
        "0",
        "-1",
        "null",
        "NULL",
        " null ",
        '"null"',
        "None",
        "undefined",
        "Anonymous",
        "unknown",
        "guest",
        "N/A",
        "NaN",
        "true",
        "[object Object]",
        "distinct_id",
        "00000000-0000-0000-0000-000000000000",
    ],
)
def test_refuses_what_stands_for_nobody(value: JsonValue) -> None:
    refused = applied(Pseudonymize(), value)
    assert refused.result is REFUSED
    assert refused.generated == set()
