"""The vendors Weir has a payload form for."""

from enum import StrEnum


class VendorName(StrEnum):
    """A vendor, as spelled in file names, topics, headers, metrics and commands."""

    MIXPANEL = "mixpanel"
    AMPLITUDE = "amplitude"
    POSTHOG = "posthog"
    SEGMENT = "segment"
    GA4 = "ga4"
