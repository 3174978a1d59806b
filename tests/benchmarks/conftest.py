"""What the benchmarks borrow from the chaos tests: a fleet of mailers on servers of its own."""

from tests.chaos.fixtures import fleet, redis_server, smtp

__all__ = ["fleet", "redis_server", "smtp"]
