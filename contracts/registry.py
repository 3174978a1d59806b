"""From the `type` of an entry to its event class."""

from contracts.events import EVENT_TYPES, AnyEvent


class UnknownType(LookupError):
    """No event has this name, in any version."""

    reason = "unknown_type"


class UnknownVersion(LookupError):
    """The event is known, this version of it is not."""

    reason = "unknown_version"


_BY_NAME: dict[str, type[AnyEvent]] = {event.type_name(): event for event in EVENT_TYPES}
_KNOWN: frozenset[str] = frozenset(name.rpartition(".")[0] for name in _BY_NAME)


def event_class(type_name: str) -> type[AnyEvent]:
    """Find an event's class. Raises `UnknownType` or `UnknownVersion`, neither of which repeats the name."""
    if (found := _BY_NAME.get(type_name)) is not None:
        return found
    name, _, _ = type_name.rpartition(".")
    if name in _KNOWN:
        raise UnknownVersion(f"this version of {name} is not known here")
    raise UnknownType("no event has this type")
