"""Who calls, as far as a request tells: the trace it belongs to, and from where it comes."""

from dataclasses import dataclass

from auth_service.model.devices import device_name


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """What is noted beside what a request does. `user_agent` is its own word and only ever shown."""

    traceparent: str | None = None
    client_address: str | None = None
    user_agent: str = ""

    @property
    def device(self) -> str:
        """Name the browser or program for people: "Firefox on Linux"; empty where nothing is known."""
        return device_name(self.user_agent)

    @property
    def trace_id(self) -> str | None:
        """Name the trace (W3C Trace Context)."""
        return self.traceparent.split("-")[1] if self.traceparent else None


NOBODY = Caller()
"""The service itself, or its command line."""
