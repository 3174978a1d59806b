import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auth_service.model.devices import NAME_CHARACTERS_MAX, device_name


@pytest.mark.parametrize(
    ("user_agent", "name"),
    [
        (
            "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
            "Firefox on Linux",
        ),
        (
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko)"
                " Chrome/126.0.0.0 Safari/537.36"
            ),
            "Chrome on Windows",
        ),
        (
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15"
                " (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1"
            ),
            "Mobile Safari on iOS",
        ),
        ("backup-tool/2.1", "backup-tool"),
        ("", ""),
    ],
)
def test_a_device_has_a_name_that_its_owner_knows(user_agent: str, name: str) -> None:
    assert device_name(user_agent) == name


@given(st.text(max_size=600))
def test_whatever_a_program_calls_itself_is_one_short_line_without_controls(user_agent: str) -> None:
    name = device_name(user_agent)

    assert len(name) <= NAME_CHARACTERS_MAX
    assert not any(unicodedata.category(sign) in {"Cc", "Zl", "Zp"} for sign in name)
