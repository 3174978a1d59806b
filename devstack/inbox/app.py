"""The inbox as a web application."""

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from devstack.inbox import api, page
from devstack.inbox.mailbox import Mailbox


def inbox_app(mailbox: Mailbox) -> Starlette:
    """Join the API and the page over one mailbox."""

    async def alive(request: Request) -> Response:
        del request
        return PlainTextResponse("ok")

    return Starlette(routes=[Route("/healthz", alive), *api.routes(mailbox), *page.routes(mailbox)])
