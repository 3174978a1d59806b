"""What every test may ask for: databases, Redis servers, an inbox."""

from hypothesis import settings

pytest_plugins = ["tests.support.postgres", "tests.support.redis", "tests.support.inbox"]

settings.register_profile("porter", deadline=None)  # a busy machine makes no example wrong
settings.load_profile("porter")
