"""Which addresses are inside somebody's network: not to be reached on the word of a setting alone. Pure."""

from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address

#: An IPv4 address stands in the last 32 bits of these (RFC 6052).
_TRANSLATED = IPv6Network("64:ff9b::/96")


def is_internal(text: str) -> bool:
    """Whether an IP address is no public one of a single host, whatever IPv6 form it is hidden in."""
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return True
    if isinstance(address, IPv6Address) and (hidden := _hidden_in(address)) is not None:
        address = hidden
    return not address.is_global or address.is_multicast


def _hidden_in(address: IPv6Address) -> IPv4Address | None:
    if address in _TRANSLATED:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour
