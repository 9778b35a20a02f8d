"""Where this process may connect to: what a name resolves to is looked at before a connection is made, and then used itself.

So neither a name that points into the own network, nor one that resolves otherwise the second time, nor an odd way to write an
address leads where it should not. Redirects are not followed anywhere. *Not covered*: names that a proxy resolves (``HTTPS_PROXY``);
what it connects to is for the proxy to forbid, and only addresses written out are looked at here.

The networks are those of IANA's registries of special-purpose addresses (RFC 6890), as Python's `ipaddress` knows them.
"""

from __future__ import annotations

import asyncio
import re
import socket
from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import TypeAlias

from assay.gateway.connection import Fault

Address: TypeAlias = IPv4Address | IPv6Address
Network: TypeAlias = IPv4Network | IPv6Network

FORBIDDEN = "upstream.forbidden_address"
_METADATA = frozenset(
    map(
        ip_address,
        (
            "fd00:ec2::254",  # AWS, EC2 user guide, "Instance metadata"
            "100.100.100.200",  # Alibaba Cloud, ECS user guide, "Instance metadata"
            "168.63.129.16",  # Azure, "What is IP address 168.63.129.16?"
        ),
    )
)
_COMPATIBLE = IPv6Network("::/96")
_NAT64 = IPv6Network("64:ff9b::/96")
_OWN = (".internal", ".local", ".localhost", ".home.arpa")
"""Names of one's own network (ICANN board 2024-07-29; RFC 6762, 6761, 8375). A Kubernetes service ends in ``.local``."""
_ALONE = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")
"""A name without a full stop: one's own network's, too. Numbers are none, since some resolvers take them for addresses."""
_THIS_NETWORK = IPv4Network("0.0.0.0/8")


def is_local(host: str) -> bool:
    """Whether a host is itself an address of this machine or of a private network, or a name that no public server answers for:
    who wrote it meant it, and nobody outside can lead it elsewhere."""
    try:
        return _why_private(ip_address(host)) is not None
    except ValueError:
        return _ALONE.fullmatch(host) is not None or host.rstrip(".").lower().endswith(_OWN)


def read_networks(written: Sequence[str]) -> tuple[Network, ...]:
    """The networks of the setting ``allowed_networks``."""
    return tuple(map(ip_network, written))


def check_address(address: Address, *, private: bool = False, networks: Sequence[Network] = ()) -> str | None:
    """Why nobody may connect to ``address``; None: they may. ``private``: to this machine and private networks too.

    ``networks`` are private networks that may be reached all the same.
    """
    for one in _all_meant(address):
        reason = _why_never(one)
        if reason is None and not private and not any(one in network for network in networks):
            reason = _why_private(one)
        if reason is not None:
            return reason
    return None


async def resolve(host: str, port: int, *, private: bool = False, networks: Sequence[Network] = ()) -> list[str]:
    """The addresses of ``host`` that may be connected to, the one to try first being first.

    Raises:
        Fault: ``upstream.forbidden_address``: there are addresses, but none that may be. OSError: there are none.
    """
    found = _written(host)
    if found is None:
        infos = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
        found = [ip_address(str(info[4][0]).partition("%")[0]) for info in infos]
    reasons = {address: check_address(address, private=private, networks=networks) for address in found}
    allowed = [str(address) for address, reason in reasons.items() if reason is None]
    if allowed:
        return allowed
    address, reason = next(iter(reasons.items()))
    raise forbidden(host, address, reason or "")


def check_written(host: str, *, private: bool = False, networks: Sequence[Network] = ()) -> None:
    """The same for a host that somebody else resolves: it is looked at only where it is an address, however it is written.

    Raises:
        Fault: ``upstream.forbidden_address``.
    """
    for address in _written(host) or _oddly_written(host):
        if (reason := check_address(address, private=private, networks=networks)) is not None:
            raise forbidden(host, address, reason)


def forbidden(host: str, address: Address, reason: str) -> Fault:
    """The fault that says where a host leads, and how to allow it where that can be done."""
    where = str(address) if host == str(address) else f"{host!r} leads to {address}"
    way_out = (
        "Nothing that serves models is there."
        if any(_why_never(one) for one in _all_meant(address))
        else "Write the network into the setting 'allowed_networks', or the address itself into the base URL, or kind = \"local\" "
        "into the provider's row."
    )
    return Fault("upstream.forbidden_address", f"{where}, {reason}, where nobody may connect to. {way_out}")


def _written(host: str) -> list[Address] | None:
    try:
        return [ip_address(host)]
    except ValueError:
        return None


def _oddly_written(host: str) -> list[Address]:
    """What the system's resolver would read as an address: decimal, octal, hexadecimal, or with parts left out."""
    try:
        return [IPv4Address(socket.inet_aton(host))]
    except OSError:
        return []


def _all_meant(address: Address) -> list[Address]:
    """The address, and the one of the other kind that is inside of it."""
    if isinstance(address, IPv4Address):
        return [address]
    inner = [address.ipv4_mapped, address.sixtofour, *(address.teredo or ())]
    if address in _NAT64 or (address in _COMPATIBLE and not address.is_loopback and not address.is_unspecified):
        inner.append(IPv4Address(int(address) & 0xFFFFFFFF))
    meant = [one for one in inner if one is not None]
    return meant if address.ipv4_mapped is not None else [address, *meant]


def _why_never(address: Address) -> str | None:
    if address in _METADATA or address.is_link_local:
        return "where clouds tell machines their secrets (link-local or metadata)"
    if address.is_multicast:
        return "a multicast address"
    if address.is_unspecified or address in _THIS_NETWORK:
        return "no address of anybody"
    return None


def _why_private(address: Address) -> str | None:
    if address.is_loopback:
        return "this machine itself"
    if isinstance(address, IPv6Address) and address.is_site_local:
        return "a private network"
    return None if address.is_global else "a private or reserved network"
