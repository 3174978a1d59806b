from ipaddress import IPv4Network, IPv6Network, ip_network

import pytest
from starlette.requests import Request

from auth_service.api.callers import client_address

PROXIES = (ip_network("10.0.0.0/8"), ip_network("fd00::/8"))


def _asked(
    peer: str | None, *forwarded: str, proxies: tuple[IPv4Network | IPv6Network, ...] = PROXIES
) -> str | None:
    request = Request(
        {
            "type": "http",
            "client": None if peer is None else (peer, 50000),
            "headers": [(b"x-forwarded-for", line.encode()) for line in forwarded],
        }
    )
    return client_address(request, proxies=proxies)


def test_without_trusted_proxies_nobody_is_believed() -> None:
    assert _asked("10.0.0.1", "203.0.113.7", proxies=()) == "10.0.0.1"


def test_a_stranger_cannot_say_who_they_are() -> None:
    assert _asked("198.51.100.9", "203.0.113.7") == "198.51.100.9"


def test_a_proxy_tells_whom_it_heard() -> None:
    assert _asked("10.0.0.1", "203.0.113.7") == "203.0.113.7"


def test_what_the_client_wrote_itself_stands_left_and_does_not_count() -> None:
    assert _asked("10.0.0.1", "1.2.3.4, 203.0.113.7, 10.0.0.2") == "203.0.113.7"


def test_several_headers_are_one_list() -> None:
    assert _asked("10.0.0.1", "1.2.3.4", "203.0.113.7", "10.0.0.2") == "203.0.113.7"


def test_a_chain_of_our_own_proxies_alone_gives_the_farthest() -> None:
    assert _asked("10.0.0.1", "10.0.0.3, 10.0.0.2") == "10.0.0.3"


@pytest.mark.parametrize("written", ["", "unknown", "_hidden", "203.0.113.999", "203.0.113.7.evil", "<b>"])
def test_what_cannot_be_read_ends_the_search(written: str) -> None:
    assert _asked("10.0.0.1", f"1.2.3.4, {written}") == "10.0.0.1"


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("203.0.113.7:4711", "203.0.113.7"),
        ("[2001:db8::1]:4711", "2001:db8::1"),
        ("2001:db8::1", "2001:db8::1"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("fe80::1%eth0", "fe80::1"),
    ],
)
def test_addresses_are_read_as_proxies_write_them(written: str, read: str) -> None:
    assert _asked("10.0.0.1", written) == read


def test_a_proxy_reached_over_ipv6_or_by_a_mapped_address_is_the_same_proxy() -> None:
    assert _asked("fd00::1", "203.0.113.7") == "203.0.113.7"
    assert _asked("::ffff:10.0.0.1", "203.0.113.7") == "203.0.113.7"


def test_an_endless_list_is_not_followed_to_its_end() -> None:
    assert _asked("10.0.0.1", ", ".join(["203.0.113.7", *["10.0.0.2"] * 1000])) == "10.0.0.2"


def test_without_a_peer_nothing_is_known() -> None:
    assert _asked(None, "203.0.113.7") is None
    assert _asked("testclient", "203.0.113.7") is None
