import httpx
import pytest

from devstack.visitor import CODE, Unexpected, expect


@pytest.mark.parametrize("text", ["Your code is 123456.", "123456", "Code:\n\n  12345678\n"])
def test_a_code_is_found_in_a_mails_text(text: str) -> None:
    assert CODE.search(text)


@pytest.mark.parametrize("text", ["good for 600 seconds", "phone 1234567890", "id 0193-123456-ab"])
def test_other_numbers_are_no_code(text: str) -> None:
    assert not CODE.search(text)


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
