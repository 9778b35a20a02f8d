"""Where a client is: the address that keys may be bound to, and by which wrong guesses are counted.

Anybody can write X-Forwarded-For, and each proxy adds at its end the address that it saw. So it is read from the right, and only
as far as the proxies that are known (the setting ``trusted_proxies``) reach: the first address that is none of theirs is the
client's. Without such proxies it is the connection's other end.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from typing import TypeAlias

from assay.core import InvalidInput
from assay.gateway.asgi import Scope

Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address
Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network


class Addresses:
    """Reads clients' addresses behind the proxies of the networks ``trusted``."""

    def __init__(self, trusted: Iterable[str] = ()):
        self._trusted = tuple(_network(text) for text in trusted)

    def of(self, scope: Scope) -> Address | None:
        """The client's address; None for a client on a Unix socket."""
        peer = scope.get("client")
        address = read_address(peer[0]) if peer else None
        if not self._trusted or address is None or not is_in(address, self._trusted):
            return address
        forwarded = b",".join(value for name, value in scope["headers"] if name == b"x-forwarded-for").decode("latin-1")
        for text in reversed(forwarded.split(",")):
            before = read_address(text)
            if before is None:
                return address  # what no proxy of ours would write: whoever sent it is the last one that is known
            address = before
            if not is_in(address, self._trusted):
                return address
        return address

    def name_of(self, scope: Scope) -> str:
        """The client's address as text; ``local`` for a client on a Unix socket."""
        address = self.of(scope)
        return "local" if address is None else str(address)


def read_address(text: str) -> Address | None:
    """The address in ``text``, of which some proxies write the port as well; None where there is none.

    An IPv4 address that is written as an IPv6 one is the IPv4 address.
    """
    text = text.strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return (address.ipv4_mapped or address) if isinstance(address, ipaddress.IPv6Address) else address


def is_in(address: Address, networks: Iterable[Network]) -> bool:
    """Whether one of the networks has the address."""
    return any(address in network for network in networks)


def _network(text: str) -> Network:
    try:
        return ipaddress.ip_network(text.strip(), strict=False)
    except ValueError:
        raise InvalidInput(
            "settings.bad_network", f"{text[:64]!r} is no network.", hint="Write 10.0.0.0/8 or 192.0.2.7.", param="trusted_proxies"
        ) from None
