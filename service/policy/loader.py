"""Loads the policy: reads the files, gathers every mistake in them, compiles what has none."""

from pathlib import Path
from typing import Any, Final

from service.policy.compiler import compile_policy
from service.policy.entity_checks import EntityCheck
from service.policy.mistakes import Mistakes, Place, PolicyMistakesError
from service.policy.models import TrackingPlanFile, VendorFile
from service.policy.plan import CompiledPolicy
from service.policy.plan_checks import check_plan
from service.policy.reading import PolicyFile, read_policy_file
from service.policy.vendor_checks import VendorCheck, check_kept_fields, check_topics
from service.policy.vendor_names import VendorName
from service.policy.yaml_source import Block, Items

_NOWHERE: Final = Place("", 0, 0)


def load(config_dir: Path) -> CompiledPolicy:
    """Load `tracking_plan.yaml` and `vendors/<vendor>.yaml` for every vendor.

    Raises:
        PolicyMistakesError: listing every mistake in all the files, each with its place.
    """
    plan, vendors = load_files(config_dir)
    return compile_policy(plan, vendors)


def load_files(config_dir: Path) -> tuple[TrackingPlanFile, dict[VendorName, VendorFile]]:
    """The files as they are written, checked like `load` does.

    Raises:
        PolicyMistakesError: listing every mistake in all the files, each with its place.
    """
    mistakes = Mistakes()
    plan = read_policy_file(TrackingPlanFile, config_dir / "tracking_plan.yaml", _empty_plan(), mistakes)
    vendors: dict[VendorName, PolicyFile[VendorFile]] = {}
    for name in VendorName:
        path = config_dir / "vendors" / f"{name}.yaml"
        file = read_policy_file(VendorFile, path, _empty_vendor(name), mistakes)
        if file is not None:
            vendors[name] = file
    _check_strangers(config_dir / "vendors", mistakes)
    if plan is not None:
        check_plan(plan, mistakes)
        EntityCheck(plan, mistakes).check()
        for name, file in vendors.items():
            VendorCheck(name, file, plan, mistakes).check()
            EntityCheck(file, mistakes, plan.model.entities).check()
        check_kept_fields(plan, vendors.values(), mistakes)
    check_topics(vendors, mistakes)
    if mistakes.found:
        raise PolicyMistakesError(config_dir, mistakes.sorted())
    assert plan is not None
    return plan.model, {name: file.model for name, file in vendors.items()}


def _check_strangers(folder: Path, mistakes: Mistakes) -> None:
    """A file under a vendor's misspelt name must not be passed over in silence."""
    known = [f"{name}.yaml" for name in VendorName]
    for path in folder.iterdir() if folder.is_dir() else ():
        if path.suffix in {".yaml", ".yml"} and path.name not in known:
            mistakes.add(
                Place(str(path), 1, 1), f"{path.stem!r} is no vendor's file", name=path.name, known=known
            )


def _empty_plan() -> dict[str, Any]:
    return {
        "classes": Block(_NOWHERE),
        "identity_classes": Items(_NOWHERE),
        "common": Block(_NOWHERE),
        "events": Block(_NOWHERE),
        "calls": Block(_NOWHERE),
    }


def _empty_vendor(name: VendorName) -> dict[str, Any]:
    return {
        "vendor": name.value,
        "topic": "-",
        "integration": "Mixpanel",
        "consent": "-",
        "events": Items(_NOWHERE),
        "calls": Items(_NOWHERE),
        "actions": Block(_NOWHERE),
    }
