from urllib.parse import urlsplit

from auth_service.model.links import sign_in_link
from auth_service.model.tokens import new_token


def test_a_links_token_is_its_fragment_which_no_server_is_told() -> None:
    token = new_token()
    parts = urlsplit(sign_in_link(token, page="https://login.example.org/login/link"))
    assert (parts.path, parts.query, parts.fragment) == ("/login/link", "", token)
