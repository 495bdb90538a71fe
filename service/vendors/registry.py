"""The forms of all vendors."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from service.policy.vendor_names import VendorName
from service.vendors.amplitude import AmplitudeForm
from service.vendors.form import VendorForm
from service.vendors.ga4 import Ga4Form
from service.vendors.layout import Conversion
from service.vendors.mixpanel import MixpanelForm
from service.vendors.posthog import PostHogForm
from service.vendors.segment import SegmentForm

FORMS: Final[Mapping[VendorName, VendorForm]] = MappingProxyType(
    {form.vendor: form for form in (MixpanelForm(), AmplitudeForm(), PostHogForm(), SegmentForm(), Ga4Form())}
)

#: All ways in which a vendor may want the value of a field.
FIELD_CONVERSIONS: Final[frozenset[Conversion]] = frozenset().union(
    *(form.conversions for form in FORMS.values())
)
