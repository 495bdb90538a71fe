"""The policy with fewer vendors that get something."""

import json
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ruamel.yaml import YAML

from service.policy.vendor_names import VendorName


@contextmanager
def first_vendors(config_dir: Path, count: int) -> Iterator[Path]:
    """A configuration folder in which only the first so many vendors may have events.

    The other vendors' policies are there, as a policy must be, and name neither an event nor another call.
    """
    with tempfile.TemporaryDirectory(prefix="weir-config-") as folder:
        config = Path(folder) / "config"
        shutil.copytree(config_dir, config)
        for vendor in list(VendorName)[count:]:
            file = config / "vendors" / f"{vendor}.yaml"
            policy = YAML(typ="safe").load(file.read_text("utf-8"))
            for section in ("events", "calls"):
                policy[section] = []
            policy.pop("fields", None)  # of events that it has no more
            file.write_text(json.dumps(policy), "utf-8")  # JSON is YAML
        yield config
