from datetime import UTC, datetime
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auth_service.model.remote_headers import NOBODY, remote_headers
from auth_service.model.users import Role, Status, User
from contracts.identifiers import new_id


def _user(*, name: str = "Ada", role: Role = Role.MEMBER) -> User:
    return User(
        id=new_id(),
        email="ada@example.org",
        name=name,
        locale="en",
        role=role,
        status=Status.ACTIVE,
        version=1,
        created_at=datetime.now(UTC),
    )


def test_all_four_are_told_and_all_four_are_empty_for_nobody() -> None:
    ada = _user()
    assert remote_headers(ada) == {
        "Remote-User": str(ada.id),
        "Remote-Email": "ada@example.org",
        "Remote-Name": "Ada",
        "Remote-Groups": "member",
    }
    assert {*NOBODY} == {*remote_headers(ada)}
    assert {*NOBODY.values()} == {""}


def test_an_administrator_is_told_as_one() -> None:
    assert remote_headers(_user(role=Role.ADMIN))["Remote-Groups"] == "admin"


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("Łukasz Ünal", "%C5%81ukasz %C3%9Cnal"),
        ("Ada O'Neill-Lovelace (x@y)", "Ada O'Neill-Lovelace (x@y)"),
        ("100 % Ada", "100 %25 Ada"),
        ("%C5%81", "%25C5%2581"),
        ("名前", "%E5%90%8D%E5%89%8D"),
        ("a\r\nRemote-Groups: admin", "a%0D%0ARemote-Groups: admin"),
    ],
)
def test_only_what_is_not_plain_is_encoded(name: str, written: str) -> None:
    assert remote_headers(_user(name=name))["Remote-Name"] == written


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_any_name_fits_in_a_header_and_is_read_back(name: str) -> None:
    written = remote_headers(_user(name=name))["Remote-Name"]
    assert written.isascii()
    assert written.isprintable()
    assert unquote(written, errors="strict") == name
