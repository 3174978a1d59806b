import socket

from devstack.ports import HOST, free_port, is_free


def test_a_port_is_given_out_once() -> None:
    given = [free_port() for _ in range(50)]
    assert len(set(given)) == 50


def test_ports_stay_below_those_of_outgoing_connections() -> None:
    assert all(20_000 <= free_port() < 32_000 for _ in range(50))


def test_a_preferred_port_is_taken_when_it_is_free_and_left_alone_when_it_is_not() -> None:
    with socket.socket() as taken:
        taken.bind((HOST, 0))
        taken.listen()
        number = taken.getsockname()[1]
        assert not is_free(number)
        assert free_port(preferred=number) != number
    assert is_free(number)
    assert free_port(preferred=number) == number
    assert free_port(preferred=number) != number, "it was given out a moment ago"
