"""Writes the JSON Schemas of the policy files: `python -m service.policy.export_schemas`."""

import json
from collections.abc import Mapping
from typing import Any, Final

from service.policy.closed_model import ClosedModel
from service.policy.models import TrackingPlanFile, VendorFile
from service.schema_files import schema_path

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
EXPORTED: Final[Mapping[str, tuple[str, type[ClosedModel]]]] = {
    "tracking_plan.v1.schema.json": ("Weir's tracking plan", TrackingPlanFile),
    "policy.v1.schema.json": ("Weir's policy for one vendor", VendorFile),
}


def _as_files_are_read(node: Any) -> Any:
    """The schema without what the loader refuses in a file: null, and keys that match no pattern.

    Titles that only repeat a key's name go as well.
    """
    if isinstance(node, list):
        return [_as_files_are_read(item) for item in node]
    if not isinstance(node, dict):
        return node
    exact = {
        key: _as_files_are_read(value)
        for key, value in node.items()
        if not (key == "title" and isinstance(value, str)) and not (key == "default" and value is None)
    }
    branches = [branch for branch in exact.get("anyOf", []) if branch != {"type": "null"}]
    if len(branches) == 1:
        del exact["anyOf"]
        exact = {**branches[0], **exact}
    elif branches:
        exact["anyOf"] = branches
    if "patternProperties" in exact:
        exact["additionalProperties"] = False
    return exact


def schema_text(name: str) -> str:
    """The text of an exported schema's file."""
    title, model = EXPORTED[name]
    schema = {"$schema": DIALECT, "title": title, **_as_files_are_read(model.model_json_schema())}
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    for name in EXPORTED:
        schema_path(name).write_text(schema_text(name), encoding="utf-8")
