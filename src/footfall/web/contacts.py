"""Routes of contacts: find, create, read, change and erase them."""

import asyncio
from typing import Any

from litestar import Request, Response, delete, get, patch, post
from litestar.params import FromPath

from footfall.core.access import (
    CHANGE_CONTACT,
    CREATE_CONTACT,
    ERASE_CONTACT,
    READ_CONTACT,
)
from footfall.flows.contacts import find, manage
from footfall.flows.contacts.erase import erase_contact
from footfall.web.context import context_of
from footfall.web.responses import answer, page, read_object, written

AnyRequest = Request[Any, Any, Any]


@post("/v1/organizations/{cid:str}/customers", opt={"permission": CREATE_CONTACT})
async def create(request: AnyRequest, cid: FromPath[str]) -> Response[bytes]:
    """Create a contact and its signup event."""
    value, context = await read_object(request), context_of(request)
    made = await written(
        manage.create_contact, context.store, cid, value, context.now()
    )
    return answer(made, 201)


@get("/v1/organizations/{cid:str}/customers", opt={"permission": READ_CONTACT})
async def find_all(request: AnyRequest, cid: FromPath[str]) -> Response[bytes]:
    """The contacts with an id, a username, an email or a phone."""
    sought = request.query_params.getall("q", [])
    found = await asyncio.to_thread(
        find.find_contacts,
        context_of(request).store,
        cid,
        sought[0] if len(sought) == 1 else "",
    )
    return page(request, "customers", found)


@get(
    "/v1/organizations/{cid:str}/customers/{contact:str}/devices",
    opt={"permission": READ_CONTACT},
)
async def list_devices(
    request: AnyRequest, cid: FromPath[str], contact: FromPath[str]
) -> Response[bytes]:
    """The devices that are or were a contact's, the newest first."""
    store = context_of(request).store
    found = await asyncio.to_thread(find.list_devices, store, cid, contact)
    return page(request, "devices", found)


@get(
    "/v1/organizations/{cid:str}/customers/{contact:str}/stays",
    opt={"permission": READ_CONTACT},
)
async def list_open_stays(
    request: AnyRequest, cid: FromPath[str], contact: FromPath[str]
) -> Response[bytes]:
    """Where a contact is now: its stays that are not over."""
    store = context_of(request).store
    found = await asyncio.to_thread(find.list_open_stays, store, cid, contact)
    return page(request, "stays", found)


@get(
    "/v1/organizations/{cid:str}/customers/{contact:str}",
    opt={"permission": READ_CONTACT},
)
async def read(
    request: AnyRequest, cid: FromPath[str], contact: FromPath[str]
) -> Response[bytes]:
    """What is known of a contact."""
    store = context_of(request).store
    return answer(await asyncio.to_thread(manage.read_contact, store, cid, contact))


@patch(
    "/v1/organizations/{cid:str}/customers/{contact:str}",
    opt={"permission": CHANGE_CONTACT},
)
async def change(
    request: AnyRequest, cid: FromPath[str], contact: FromPath[str]
) -> Response[bytes]:
    """Change the fields of a contact that are sent."""
    value, context = await read_object(request), context_of(request)
    changed = await written(
        manage.change_contact, context.store, cid, contact, value, context.now()
    )
    return answer(changed)


@delete(
    "/v1/organizations/{cid:str}/customers/{contact:str}",
    opt={"permission": ERASE_CONTACT},
    status_code=200,
)
async def erase(
    request: AnyRequest, cid: FromPath[str], contact: FromPath[str]
) -> Response[bytes]:
    """Erase a contact and all its events, for good."""
    return answer(await erase_contact(context_of(request).store, cid, contact))


ROUTES = [find_all, list_devices, list_open_stays, create, read, change, erase]
