"""The policy: what the files in `config/` say, and the plans compiled from them."""

from service.policy.loader import load

__all__ = ["load"]
