"""Loads the policy: reads the files, gathers every mistake, compiles."""

from pathlib import Path
from typing import TypeVar

from service.policy.closed_model import ClosedModel
from service.policy.compiler import compile_policy
from service.policy.mistakes import Mistakes, PolicyMistakesError
from service.policy.models import TrackingPlanFile, VendorFile
from service.policy.plan import CompiledPolicy
from service.policy.vendor_names import VendorName
from service.policy.yaml_source import read

Model = TypeVar("Model", bound=ClosedModel)


def load(config_dir: Path) -> CompiledPolicy:
    """Load `tracking_plan.yaml` and `vendors/<vendor>.yaml` for every vendor.

    Raises:
        PolicyError: listing every mistake in all the files, each with its place.
    """
    mistakes = Mistakes()
    plan = _parse(TrackingPlanFile, config_dir / "tracking_plan.yaml", mistakes)
    vendors = {
        name: _parse(VendorFile, config_dir / "vendors" / f"{name}.yaml", mistakes) for name in VendorName
    }
    found = mistakes.sorted()
    if found:
        raise PolicyMistakesError(config_dir, found)
    assert plan is not None
    return compile_policy(plan, {name: file for name, file in vendors.items() if file is not None})


def _parse(model: type[Model], file: Path, mistakes: Mistakes) -> Model | None:
    block = read(file, str(file), mistakes)
    if block is None:
        return None
    return model.model_validate(block, context=mistakes)
