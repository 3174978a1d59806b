"""What every test may ask for: databases, Redis servers, an inbox, a browser."""

pytest_plugins = [
    "tests.support.postgres",
    "tests.support.redis",
    "tests.support.inbox",
    "tests.support.chromium",
]
