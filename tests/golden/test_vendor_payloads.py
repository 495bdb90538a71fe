"""One file for each vendor, one case a line: a sanitized event, and the payload or the refusal it must give.

A change of a form shows here first. Correct a line by hand, so that somebody has looked at it.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from service.events.event import CallType
from service.policy.vendor_names import VendorName
from service.vendors.registry import FORMS
from tests.sanitized_events import SanitizedEvent, Shaped, shape

CASES = Path(__file__).parent / "vendors"
SCHEMAS = Path(__file__).parents[2] / "schemas" / "vendors"


def cases() -> Iterator[Any]:
    for vendor in VendorName:
        for line in (CASES / f"{vendor}.ndjson").read_text(encoding="utf-8").splitlines():
            case = json.loads(line)
            yield pytest.param(vendor, case, id=f"{vendor}: {case['case']}")


@pytest.mark.parametrize(("vendor", "case"), [*cases()])
def test_the_payload_is_the_golden_one(vendor: VendorName, case: dict[str, Any]) -> None:
    event = SanitizedEvent(CallType(case["call"]), case["name"], case["fields"])
    result = shape(FORMS[vendor], event)
    if isinstance(result, Shaped):
        assert "refused" not in case
        # As text: types count, which == does not tell apart (1 and true), and so does the order of keys.
        assert json.dumps(result.payload, indent=1) == json.dumps(case["payload"], indent=1)
        assert result.key == case["key"]
    else:
        assert case.get("refused") == result


@pytest.mark.parametrize(("vendor", "case"), [*cases()])
def test_another_validator_takes_the_golden_payloads_too(vendor: VendorName, case: dict[str, Any]) -> None:
    if "payload" in case:
        schema = json.loads((SCHEMAS / f"{vendor}.v1.schema.json").read_text())
        Draft202012Validator.check_schema(schema)
        Draft202012Validator(schema).validate(case["payload"])


@pytest.mark.parametrize("vendor", VendorName)
def test_every_call_type_of_a_vendor_has_a_case_and_some_are_refused(vendor: VendorName) -> None:
    lines = [json.loads(line) for line in (CASES / f"{vendor}.ndjson").read_text().splitlines()]
    assert {CallType(line["call"]) for line in lines if "payload" in line} == FORMS[vendor].calls
    assert sum("refused" in line for line in lines) >= 5
    assert len({line["case"] for line in lines}) == len(lines)
