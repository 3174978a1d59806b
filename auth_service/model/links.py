"""Links that sign in: the token is the fragment, which browsers tell no server (RFC 3986, section 3.5)."""


def sign_in_link(token: str, *, page: str) -> str:
    """Write the link that is mailed; `page` reads the token and asks before it sends it."""
    return f"{page}#{token}"
