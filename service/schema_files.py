"""Where the JSON Schemas are: `schemas/` of a checkout, or inside the installed package."""

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


def schema_path(name: str) -> Path:
    """The file of a schema, by its path below `schemas/`, such as `vendors/ga4.v1.schema.json`."""
    installed = _PACKAGE / "_data" / "schemas" / name
    return installed if installed.is_file() else _PACKAGE.parent / "schemas" / name
