"""Targets: to which addresses footfall may connect when a tenant names a URL.

A *target* is where a webhook is sent. Whoever may make webhooks must not reach what
only this machine or its network can reach. So an address counts only once it is known,
which is when a connection is opened: a name may lead elsewhere the next time.
Source: the special-purpose registries of IANA (RFC 6890), RFC 6598, RFC 6052, RFC 3056
"""

import ipaddress
import re
from collections.abc import Iterable
from ipaddress import IPv4Network, IPv6Address, IPv6Network
from urllib.parse import SplitResult, urlsplit

Network = IPv4Network | IPv6Network
URL_LENGTH_MAX = 2_048
# Many programs read these as addresses: 127.1, 2130706433, 0x7f000001.
_NUMERIC = re.compile(r"(?:.*\.)?(?:\d+|0x[0-9a-f]*)\.?", re.IGNORECASE)
_CLOSED_V4 = tuple(
    IPv4Network(name)
    for name in (
        "0.0.0.0/8",  # this network
        "10.0.0.0/8",
        "100.64.0.0/10",  # carriers' NAT; also the metadata of one cloud
        "127.0.0.0/8",
        "169.254.0.0/16",  # link-local, the metadata of most clouds
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.31.196.0/24",
        "192.52.193.0/24",
        "192.88.99.0/24",  # 6to4 relays
        "192.168.0.0/16",
        "192.175.48.0/24",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "168.63.129.16/32",  # the metadata of Azure has a public address
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",
    )
)
# Of IPv6 only this is given out to anybody; all else is closed.
_GLOBAL_V6 = IPv6Network("2000::/3")
_CLOSED_V6 = tuple(
    IPv6Network(name)
    for name in (
        "2001::/23",  # Teredo and other protocols
        "2001:db8::/32",
        "2002::/16",  # 6to4 holds any IPv4 address
        "2620:4f:8000::/48",
        "3fff::/20",
    )
)


def may_connect(
    address: str, allowed: Iterable[Network] = (), *, public: bool = True
) -> bool:
    """Tell whether footfall may connect to an address.

    Args:
        address: An IP address, as a socket has it.
        allowed: The networks that the operator allows.
        public: Whether addresses of the internet are allowed, too.
    """
    found = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(found, IPv6Address) and found.ipv4_mapped is not None:
        found = found.ipv4_mapped  # the system connects to this one
    if any(found in network for network in allowed):
        return True
    if not public:
        return False
    if isinstance(found, IPv6Address):
        return found in _GLOBAL_V6 and not any(found in one for one in _CLOSED_V6)
    return not any(found in network for network in _CLOSED_V4)


def wrong_url(url: str, allowed: Iterable[Network] = ()) -> str | None:
    """Return why a webhook cannot have a URL; None if it can.

    This only tells early what would fail later: `may_connect` decides.
    """
    if len(url) > URL_LENGTH_MAX:
        return f"has {len(url)} characters; at most {URL_LENGTH_MAX} are allowed"
    if not url.isascii() or not url.isprintable() or " " in url or "\\" in url:
        return "has characters that must be percent-encoded"
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError as error:
        return f"is not a URL: {error}"
    return _wrong_parts(parts, tuple(allowed))


def _wrong_parts(parts: SplitResult, allowed: tuple[Network, ...]) -> str | None:
    public = parts.scheme == "https"
    reasons = (
        (
            parts.scheme not in ("https", "http") or not parts.hostname,
            "is not an https:// URL with a host",
        ),
        (
            parts.username is not None or parts.password is not None,
            "holds a user name or password; leave them out, footfall signs",
        ),
        (bool(parts.fragment), "has a fragment, which is never sent"),
        (
            not public and not allowed,
            "is not https://, which all but allowed networks need",
        ),
    )
    for is_wrong, reason in reasons:
        if is_wrong:
            return reason
    try:
        is_open = may_connect(parts.hostname or "", allowed, public=public)
    except ValueError:
        if _NUMERIC.fullmatch(parts.hostname or ""):
            return "has an address in an unusual form; write it as 192.0.2.1"
        return None  # a name; what it leads to is looked at when connecting
    return None if is_open else "leads to an address that webhooks may not reach"
