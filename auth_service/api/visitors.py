"""Who stands at the door: a browser, told apart by cookies, or a program, by tokens that it keeps itself."""

from dataclasses import dataclass
from typing import Annotated, Literal

from fastapi import Depends, Header, Request

from auth_service.api.door import Door, TheDoor
from auth_service.api.origins import has_bearer, refuse_foreign
from auth_service.model.tokens import is_token

Transport = Literal["cookie", "bearer"]

BindingHeader = Annotated[
    str | None,
    Header(alias="Porter-Binding", description="The challenge's `binding`, with transport bearer."),
]
DeviceHeader = Annotated[
    str | None,
    Header(
        alias="Porter-Device",
        description="With transport bearer: `session.device` of an earlier sign-in, by which the account"
        " knows this program again.",
    ),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Visitor:
    """What a browser or program is told apart by, signed in or not.

    `binding` ties challenges to where they were asked for, `device` is what accounts know again; None where
    it has none yet, or none that could be one of ours. `session` is the token of a browser that is signed in.
    """

    transport: Transport
    binding: str | None
    device: str | None
    session: str | None = None


def browser_of(request: Request, door: Door) -> Visitor:
    """Tell a browser by its cookies, for what sets or uses them. Raises `Problem` unless our page asks."""
    refuse_foreign(request, door)
    return _looking_on(request, door)


def program_of(*, binding: str | None, device: str | None) -> Visitor:
    """Tell a program by what it says of itself."""
    return Visitor(
        transport="bearer",
        binding=binding if is_token(binding) else None,
        device=device if is_token(device) else None,
    )


def visitor_of(
    request: Request, door: Door, *, transport: Transport, binding: str | None, device: str | None
) -> Visitor:
    """Tell whichever it says to be; one that sends a binding itself is a program."""
    if transport == "bearer" or binding is not None:
        return program_of(binding=binding, device=device)
    return browser_of(request, door)


def _looking_on(request: Request, door: Door) -> Visitor:
    return Visitor(
        transport="cookie",
        binding=door.cookies.read_binding(request),
        device=door.cookies.read_device(request),
        session=door.cookies.read_session(request),
    )


def _answering(
    request: Request, door: TheDoor, binding: BindingHeader = None, device: DeviceHeader = None
) -> Visitor:
    return visitor_of(request, door, transport="cookie", binding=binding, device=device)


def _watching(request: Request, door: TheDoor, binding: BindingHeader = None) -> Visitor:
    if binding is not None:
        return program_of(binding=binding, device=None)
    return _looking_on(request, door)  # a look changes nothing, whoever's page caused it


def _device_here(request: Request, door: TheDoor, device: DeviceHeader = None) -> str | None:
    if has_bearer(request):
        return device if is_token(device) else None
    return door.cookies.read_device(request)


DeviceHere = Annotated[str | None, Depends(_device_here)]
"""What accounts know whoever asks by, from a browser or a program; None where it has nothing of the kind."""

Answering = Annotated[Visitor, Depends(_answering)]
"""Who answers a challenge, or asks for its mail again."""

Watching = Annotated[Visitor, Depends(_watching)]
"""Who only looks at a challenge."""
