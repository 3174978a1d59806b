"""What the benchmarks borrow: a fleet of mailers on servers of its own, and a running auth service."""

from tests.chaos.fixtures import fleet, redis_server, smtp
from tests.integration.auth_service.service.conftest import service

__all__ = ["fleet", "redis_server", "service", "smtp"]
