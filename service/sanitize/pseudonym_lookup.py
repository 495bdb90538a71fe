"""What a known value is called at a vendor, for whoever looks a user up there."""

from typing import NamedTuple

from service.actions.pseudonymize import pseudonymizable
from service.errors import ConfigurationError
from service.policy.plan import CompiledPolicy
from service.policy.vendor_names import VendorName
from service.pseudonyms.key_version import KeyVersion
from service.pseudonyms.keyring import KeyRing
from service.vendors.registry import FORMS


class Lookup(NamedTuple):
    """A version of the keys and the pseudonym under it; None where its key was destroyed."""

    version: KeyVersion
    pseudonym: str | None


def look_up(
    value: str, policy: CompiledPolicy, keyring: KeyRing, *, vendor: VendorName, data_class: str
) -> tuple[Lookup, ...]:
    """The value's pseudonyms at a vendor, under every version that is for it.

    Raises:
        ConfigurationError: the vendor gets no pseudonyms of such values.
    """
    plan = next((plan for plan in policy.vendors if plan.vendor is vendor), None)
    if plan is None:
        raise ConfigurationError(f"the policy has no vendor {vendor}")
    purpose = plan.key_purposes.get(data_class)
    if purpose is None:
        known = ", ".join(plan.key_purposes)
        raise ConfigurationError(f"{vendor} gets no pseudonyms of that class; it gets them of: {known}")
    if not pseudonymizable(value):
        raise ConfigurationError("the value is a placeholder, of which no vendor gets a pseudonym")
    encoding = FORMS[vendor].encoding(data_class)
    return tuple(
        Lookup(
            version,
            None
            if version.destroyed is not None
            else keyring.under(version, vendor).pseudonym(
                value, purpose=purpose, data_class=data_class, encoding=encoding
            ),
        )
        for version in keyring.versions_of(vendor)
    )
