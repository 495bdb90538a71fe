"""Where the JSON Schemas are: in `schemas/` of a checkout, or inside the package when it is installed."""

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent
_PLACES = (_PACKAGE.parent / "schemas", _PACKAGE / "_data" / "schemas")


def schema_path(name: str) -> Path:
    """The file of a schema, such as `raw_event.v1.schema.json` or `vendors/mixpanel.v1.schema.json`.

    Raises:
        FileNotFoundError: if there is no such schema.
    """
    for place in _PLACES:
        if (place / name).is_file():
            return place / name
    raise FileNotFoundError(f"no schema {name} in {' or '.join(str(place) for place in _PLACES)}")
