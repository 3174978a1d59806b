import httpx
import pytest

from devstack.visitor import CODE, LINK, Unexpected, expect


@pytest.mark.parametrize("text", ["Your code is 123456.", "123456", "Code:\n\n  12345678\n"])
def test_a_code_is_found_in_a_mails_text(text: str) -> None:
    assert CODE.search(text)


@pytest.mark.parametrize("text", ["good for 600 seconds", "phone 1234567890", "id 0193-123456-ab"])
def test_other_numbers_are_no_code(text: str) -> None:
    assert not CODE.search(text)


def test_a_link_is_found_whole_in_a_mails_text() -> None:
    link = "http://localhost:8000/login/link#q0mFZq1jHqcG5zY0n2xw3Vb8kQd7LrTsUuPaXe9ItJo"
    found = LINK.search(f"Open this link:\n\n{link}\n\nIt works once. See http://localhost:8000/login")
    assert found is not None
    assert found.group() == link


@pytest.mark.parametrize(
    "text", ["http://localhost:8000/login", "http://localhost:8000/login/link", "#token"]
)
def test_an_address_without_a_token_is_no_link(text: str) -> None:
    assert not LINK.search(text)


def test_an_unexpected_answer_is_told_beside_what_was_expected() -> None:
    answer = httpx.Response(410, json={"code": "challenge_closed"})
    with pytest.raises(Unexpected, match=r"the right code: expected 403 account_pending, got 410 .*closed"):
        expect(answer, 403, "the right code", code="account_pending")


def test_the_right_status_with_another_problem_is_unexpected_too() -> None:
    with pytest.raises(Unexpected, match="expected 403 account_pending"):
        expect(httpx.Response(403, json={"code": "forbidden"}), 403, "it", code="account_pending")


def test_an_expected_answer_gives_its_content() -> None:
    assert expect(httpx.Response(200, json={"a": 1}), 200, "it") == {"a": 1}
    assert expect(httpx.Response(204), 204, "it") == {}
