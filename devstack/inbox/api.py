"""The part of Mailpit's REST API that tests need, so that the same tests run against Mailpit.

Field names and their meaning are Mailpit's (https://mailpit.axllent.org/docs/api-v1/).
"""

from email.headerregistry import Address
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from devstack.inbox.mail import Mail
from devstack.inbox.mailbox import Mailbox

LIMIT: Final = 50


def routes(mailbox: Mailbox) -> list[Route]:
    """Give the API's routes over `mailbox`."""

    async def messages(request: Request) -> Response:
        try:
            start, limit = (int(request.query_params.get(name, or_)) for name, or_ in PAGE.items())
        except ValueError:
            return PlainTextResponse("start and limit are whole numbers", 400)
        newest = [
            mail for number, mail in enumerate(mailbox.newest_first()) if start <= number < start + limit
        ]
        total = len(mailbox)
        answer = dict.fromkeys(("total", "unread", "messages_count", "messages_unread"), total)
        shown = [summary(mail) for mail in newest]
        return JSONResponse(answer | {"count": len(newest), "start": start, "tags": [], "messages": shown})

    async def forget(request: Request) -> Response:
        asked = await request.body()
        chosen = (await request.json()).get("IDs") if asked else None
        if chosen:
            mailbox.remove(chosen)
        else:
            mailbox.clear()
        return PlainTextResponse("ok")

    async def message(request: Request) -> Response:
        mail = mailbox.get(request.path_params["id"])
        return JSONResponse(whole(mail)) if mail else NOT_FOUND

    async def headers(request: Request) -> Response:
        mail = mailbox.get(request.path_params["id"])
        return JSONResponse(header_lists(mail)) if mail else NOT_FOUND

    async def raw(request: Request) -> Response:
        mail = mailbox.get(request.path_params["id"])
        return Response(mail.raw, media_type="text/plain") if mail else NOT_FOUND

    return [
        Route("/api/v1/messages", messages, methods=["GET"]),
        Route("/api/v1/messages", forget, methods=["DELETE"]),
        Route("/api/v1/message/{id}", message, methods=["GET"]),
        Route("/api/v1/message/{id}/headers", headers, methods=["GET"]),
        Route("/api/v1/message/{id}/raw", raw, methods=["GET"]),
    ]


PAGE: Final = {"start": 0, "limit": LIMIT}
NOT_FOUND: Final = PlainTextResponse("no mail has this ID", 404)


def summary(mail: Mail) -> dict[str, Any]:
    """Tell about a mail in a list of them."""
    return _common(mail) | {
        "Read": False,
        "Created": mail.received_at.isoformat(),
        "Attachments": 0,
        "Snippet": mail.snippet,
    }


def whole(mail: Mail) -> dict[str, Any]:
    """Tell all about one mail."""
    date = mail.message.get("Date")
    sent_at = getattr(date, "datetime", None) or mail.received_at
    return _common(mail) | {
        "ReturnPath": mail.sender,
        "Date": sent_at.isoformat(),
        "Text": mail.body("plain"),
        "HTML": mail.body("html"),
        "Inline": [],
        "Attachments": [],
    }


def header_lists(mail: Mail) -> dict[str, list[str]]:
    """Give each header with all its values."""
    return {name: [str(value) for value in mail.message.get_all(name, [])] for name in mail.message}


def _common(mail: Mail) -> dict[str, Any]:
    named = {address.addr_spec for header in ("To", "Cc") for address in mail.addresses(header)}
    return {
        "ID": mail.id,
        "MessageID": mail.message_id,
        "From": next(iter(_people(mail.addresses("From"))), None),
        "To": _people(mail.addresses("To")),
        "Cc": _people(mail.addresses("Cc")),
        "Bcc": [{"Name": "", "Address": address} for address in mail.recipients if address not in named],
        "ReplyTo": _people(mail.addresses("Reply-To")),
        "Subject": mail.subject,
        "Tags": [],
        "Size": len(mail.raw),
    }


def _people(addresses: tuple[Address, ...]) -> list[dict[str, str]]:
    return [{"Name": address.display_name, "Address": address.addr_spec} for address in addresses]
