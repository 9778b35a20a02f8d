"""Where names lead is looked at before anybody is connected to, whatever they look like and however often they change."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import msgspec
import pytest

from assay.core import InvalidInput, Provider
from assay.core.settings import Settings
from assay.gateway.addresses import FORBIDDEN, check_address, is_local, read_networks, resolve
from assay.gateway.client import Client
from assay.gateway.connection import Fault, Timeouts
from assay.gateway.origin import Origin, read_url
from assay.gateway.upstream import Upstream
from assay.store import Database
from tests.gateway.rig import answering, running, told

pytestmark = pytest.mark.anyio

NEVER = (
    "169.254.169.254",
    "169.254.170.2",
    "fe80::1",
    "fd00:ec2::254",
    "100.100.100.200",
    "168.63.129.16",
    "::ffff:169.254.169.254",
    "64:ff9b::a9fe:a9fe",
    "2002:a9fe:a9fe::1",
    "::a9fe:a9fe",
    "0.0.0.0",  # to be refused
    "0.1.2.3",
    "::",
    "224.0.0.1",
    "ff02::1",
)
PRIVATE = (
    "127.0.0.1",
    "127.9.9.9",
    "::1",
    "10.0.0.1",
    "172.16.0.1",
    "192.168.1.1",
    "100.64.0.1",
    "198.18.0.1",
    "fd12:3456::1",
    "fec0::1",
    "::ffff:127.0.0.1",
    "::ffff:10.1.2.3",
    "64:ff9b::7f00:1",
    "::7f00:1",
    "255.255.255.255",
)
PUBLIC = ("8.8.8.8", "1.1.1.1", "2001:4860:4860::8888", "::ffff:8.8.8.8", "64:ff9b::808:808")
ODD = ("2130706433", "0x7f000001", "0177.0.0.1", "127.1", "0x7f.1")


def test_nobody_connects_to_where_clouds_keep_secrets_whatever_is_allowed() -> None:
    everything = read_networks(("0.0.0.0/0", "::/0"))
    for address in NEVER:
        assert check_address(ip_address(address)) is not None, address
        assert check_address(ip_address(address), private=True, networks=everything) is not None, address


def test_private_networks_are_open_to_whom_they_are_opened() -> None:
    for address in PRIVATE:
        assert check_address(ip_address(address)) is not None, address
        assert check_address(ip_address(address), private=True) is None, address
    assert check_address(ip_address("10.20.1.2"), networks=read_networks(("10.20.0.0/16",))) is None
    assert check_address(ip_address("10.21.1.2"), networks=read_networks(("10.20.0.0/16",))) is not None
    for address in PUBLIC:
        assert check_address(ip_address(address)) is None, address


def test_a_network_that_is_none_is_named() -> None:
    with pytest.raises(ValueError, match=r"10\.0\.0\.1/8"):
        Settings(data=Path("/x"), master_key=Path("/y"), allowed_networks=("10.0.0.1/8",))


def test_an_address_counts_as_meant_only_where_it_is_written_out() -> None:
    assert all(
        map(is_local, ("localhost", "127.0.0.1", "::1", "192.168.0.5", "vllm", "vllm.models.svc.cluster.local", "gpu.internal"))
    )
    assert not any(
        map(
            is_local, ("api.example.com", "8.8.8.8", "localhost.example.com", "internal.example.com", "vllm.internal.example", *ODD)
        )
    )
    assert read_url("http://127.0.0.1:8000/v1")[0].private
    assert not read_url("http://2130706433/v1")[0].private


def test_a_provider_that_is_local_may_be_named_by_any_name() -> None:
    row = Provider(name="up", title="Up", base_url="http://vllm.example.org:8000/v1", auth="none")
    assert not Upstream(row, None).origin.private
    assert Upstream(msgspec.structs.replace(row, kind="local"), None).origin.private


@pytest.mark.parametrize("scheme", ["file", "gopher", "ftp", "ws", "unix", "javascript"])
def test_only_http_is_spoken(scheme: str) -> None:
    with pytest.raises(InvalidInput):
        read_url(f"{scheme}://example.com/etc/passwd")


class Names:
    """A resolver that says something else each time; the last is said for ever."""

    def __init__(self, *answers: list[str]):
        self._answers = list(answers)
        self.asked = 0

    async def __call__(self, host: Any, port: Any, **how: Any) -> list[Any]:
        self.asked += 1
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in answer]


@pytest.fixture
def named(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Lets every name lead where a test wants."""

    def lead(*answers: list[str]) -> Names:
        names = Names(*answers)
        monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", names)
        return names

    return lead


@pytest.fixture
async def client(anyio_backend: str) -> AsyncIterator[Client]:
    one = Client(environ={})
    yield one
    await one.close()


async def ask(client: Client, origin: Origin) -> int:
    response = await client.send(origin, b"POST / HTTP/1.1\r\nhost: h\r\n", b"{}", Timeouts(connect_s=10))
    await response.begin()
    await response.read_all(10_000)
    return response.status


async def test_a_name_that_leads_into_the_own_network_is_refused(client: Client, named: Any) -> None:
    async with told(answering) as upstream:
        for answer in (["127.0.0.1"], ["169.254.169.254"], ["10.0.0.1", "192.168.0.1"]):
            named(answer)
            with pytest.raises(Fault, match=answer[0]) as caught:
                await ask(client, Origin("models.example", upstream.port))
            assert caught.value.code == FORBIDDEN
        assert upstream.connections == 0


async def test_odd_ways_to_write_an_address_lead_nowhere(client: Client) -> None:
    async with told(answering) as upstream:
        for host in ODD:
            with pytest.raises(Fault) as caught:
                await ask(client, Origin(host, upstream.port))
            assert caught.value.code in (FORBIDDEN, "upstream.unreachable"), host
        assert upstream.connections == 0


async def test_a_name_is_resolved_once_and_that_address_used(client: Client, named: Any) -> None:
    """Who answers with a good address first and with a bad one after, gets the good one only."""
    async with told(answering) as upstream:
        client.networks = read_networks(("127.0.0.1/32",))
        names = named(["127.0.0.1"], ["169.254.169.254"])
        assert await ask(client, Origin("models.example", upstream.port)) == 200
        assert names.asked == 1


async def test_of_several_addresses_only_those_are_tried_that_may_be(named: Any) -> None:
    named(["169.254.169.254", "8.8.8.8", "10.0.0.1", "1.1.1.1"])
    assert await resolve("models.example", 443) == ["8.8.8.8", "1.1.1.1"]


async def test_addresses_behind_a_proxy_are_looked_at_where_they_are_written_out() -> None:
    async with told(answering) as proxy:
        client = Client(environ={"HTTPS_PROXY": f"http://127.0.0.1:{proxy.port}"})
        try:
            for host in ("169.254.169.254", "10.0.0.1", *ODD):
                with pytest.raises(Fault) as caught:
                    await ask(client, Origin(host, 443, tls=True))
                assert caught.value.code == FORBIDDEN, host
        finally:
            await client.close()
        assert proxy.connections == 0


async def test_the_client_of_the_gateway_is_told_which_address_and_the_way_out(db: Database, tmp_path: Path, named: Any) -> None:
    async with running(db, tmp_path, "http://models.example/v1") as served:
        named(["10.1.2.3"])
        reply = await served.chat()
        assert (reply.status, reply.error["code"]) == (502, FORBIDDEN)
        assert "10.1.2.3" in reply.error["message"]
        assert "allowed_networks" in reply.error["message"]


async def test_a_redirect_is_not_followed(db: Database, tmp_path: Path) -> None:
    async def redirect(wire: Any) -> None:
        while True:
            await wire.request()
            await wire.answer(b"", "302 Found", location="http://169.254.169.254/latest/meta-data/")

    async with told(redirect) as upstream, running(db, tmp_path, upstream.url) as served:
        reply = await served.chat()
        assert (reply.status, reply.error["code"]) == (502, "upstream.redirected")
        assert len(upstream.requests) == 1


def test_the_setting_takes_networks() -> None:
    settings = Settings(data=Path("/x"), master_key=Path("/y"), allowed_networks=("10.0.0.0/8",))
    assert [str(one) for one in read_networks(settings.allowed_networks)] == ["10.0.0.0/8"]
