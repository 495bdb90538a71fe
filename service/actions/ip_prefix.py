"""ip_prefix: an IP address cut to its network."""

from ipaddress import IPv4Address, IPv6Address, ip_address

from service.actions.action import REFUSED, Action, ActionContext, RefusedType
from service.events.json_value import JsonValue
from service.policy.action_specs import IpPrefix


class IpPrefixAction(Action):
    """`203.0.113.77` to `203.0.113.0`, `2001:db8:1:2::3` to `2001:db8:1::`.

    An IPv6 address that carries an IPv4 address in its leading bits or as a whole (mapped, RFC 4291; 6to4,
    RFC 3056) is cut as that IPv4 address. Ports, brackets, zones and lists of addresses are refused.
    """

    closed = True  # a network of at most 24 or 48 bits is no word of a list, but nobody's either

    def __init__(self, spec: IpPrefix) -> None:
        self._bits = {4: spec.v4, 6: spec.v6}

    def apply(self, value: JsonValue, context: ActionContext) -> JsonValue | RefusedType:  # noqa: ARG002
        if not isinstance(value, str) or "%" in value:
            return REFUSED
        try:
            address: IPv4Address | IPv6Address = ip_address(value)
        except ValueError:
            return REFUSED
        if isinstance(address, IPv6Address):
            address = address.ipv4_mapped or address.sixtofour or address
        host_bits = address.max_prefixlen - self._bits[address.version]
        return str(type(address)(int(address) >> host_bits << host_bits))
