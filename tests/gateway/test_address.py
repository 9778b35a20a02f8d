"""Where a client is, behind proxies that are believed and others that are not."""

from __future__ import annotations

import pytest

from assay.core import InvalidInput
from assay.gateway.address import Addresses, read_address

PROXIES = ("10.0.0.0/8", "2001:db8::/32")


def seen(peer: str | None, *forwarded: str, trusted: tuple[str, ...] = PROXIES) -> str:
    """Who a request is from; each of ``forwarded`` is a header of its own."""
    headers = [(b"x-forwarded-for", text.encode("latin-1")) for text in forwarded]
    return Addresses(trusted).name_of({"client": None if peer is None else (peer, 1), "headers": headers})


@pytest.mark.parametrize(
    ("peer", "forwarded", "client"),
    [
        ("192.0.2.1", (), "192.0.2.1"),
        ("192.0.2.1", ("203.0.113.9",), "192.0.2.1"),
        ("10.0.0.1", (), "10.0.0.1"),
        ("10.0.0.1", ("203.0.113.9",), "203.0.113.9"),
        ("10.0.0.1", ("198.51.100.1, 203.0.113.9",), "203.0.113.9"),
        ("10.0.0.1", ("198.51.100.1", "203.0.113.9, 10.0.0.2"), "203.0.113.9"),
        ("10.0.0.1", ("10.0.0.3, 10.0.0.2",), "10.0.0.3"),
        ("10.0.0.1", ("203.0.113.9, nonsense",), "10.0.0.1"),
        ("10.0.0.1", ("nonsense, 203.0.113.9",), "203.0.113.9"),
        ("10.0.0.1", ("unknown, 10.0.0.2",), "10.0.0.2"),
        ("10.0.0.1", ("",), "10.0.0.1"),
        ("10.0.0.1", ("203.0.113.9:4711",), "203.0.113.9"),
        ("2001:db8::1", ("[2a00::5]:443",), "2a00::5"),
        ("::ffff:10.0.0.1", ("203.0.113.9",), "203.0.113.9"),
        (None, ("203.0.113.9",), "local"),
    ],
)
def test_the_client_is_the_first_from_the_right_that_is_no_proxy_of_ours(
    peer: str | None, forwarded: tuple[str, ...], client: str
) -> None:
    assert seen(peer, *forwarded) == client


def test_without_proxies_that_are_believed_nobody_can_say_where_they_are() -> None:
    assert seen("10.0.0.1", "203.0.113.9", trusted=()) == "10.0.0.1"


@pytest.mark.parametrize(
    ("text", "address"),
    [
        (" 192.0.2.1 ", "192.0.2.1"),
        ("192.0.2.1:80", "192.0.2.1"),
        ("fe80::1%eth0", "fe80::1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("[::1]", "::1"),
        ("1.2.3", "None"),
        ("0x7f.1", "None"),
        ("_hidden", "None"),
        ("9" * 999, "None"),
        ("", "None"),
    ],
)
def test_an_address_is_read_in_every_spelling_of_proxies_and_in_no_other(text: str, address: str) -> None:
    assert str(read_address(text)) == address


def test_a_network_that_is_none_is_named() -> None:
    with pytest.raises(InvalidInput, match=r"'10.0.0.0/99'") as refused:
        Addresses(["10.0.0.0/99"])
    assert refused.value.code == "settings.bad_network"
