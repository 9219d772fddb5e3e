"""Routes of places: locations, hotspots, and the rules of presence."""

import asyncio
from collections.abc import Sequence
from typing import Any

import msgspec
from litestar import Request, Response, delete, get, patch, post
from litestar.params import FromPath

from footfall.core import access, instants
from footfall.errors import FieldError, ParameterInvalid
from footfall.flows.places import manage
from footfall.flows.places.last_heard import last_heard
from footfall.store.transaction import HeardKind
from footfall.web.context import context_of
from footfall.web.responses import answer, read_object, written

AnyRequest = Request[Any, Any, Any]
LAST_HEARD = "lastHeardAt"


def _own(request: AnyRequest) -> str:
    organization: str = request.state.grant.service.organization
    return organization


def _location_scope(request: AnyRequest) -> access.LocationScope:
    only: access.LocationScope = request.state.grant.service.location_scope
    return only


def _wants_last_heard(request: AnyRequest) -> bool:
    """Tell whether `fields` asks for more than the original answers.

    Raises:
        ParameterInvalid: It asks for what is not there.
    """
    asked = request.query_params.getall("fields", [])
    if any(one != LAST_HEARD for one in asked):
        message = f"allowed: {LAST_HEARD}"
        raise ParameterInvalid.of(FieldError("fields", message))
    return bool(asked)


async def _with_last_heard(
    request: AnyRequest, cid: str, kind: HeardKind, shown: list[dict[str, Any]]
) -> list[dict[str, Any]]:
    heard = await asyncio.to_thread(last_heard, context_of(request).store, cid, kind)
    return [one | {LAST_HEARD: heard.get(one["id"])} for one in shown]


@get("/v1/organizations/{cid:str}/locations", opt={"permission": access.READ_LOCATIONS})
async def list_locations(request: AnyRequest, cid: FromPath[str]) -> Response[bytes]:
    """The locations of an organization; with `tags`, those that have all of them."""
    context = context_of(request)
    tags = [
        tag.strip()
        for sent in request.query_params.getall("tags", [])
        for tag in sent.split(",")
        if tag.strip()
    ]
    wants_heard = _wants_last_heard(request)
    found = await asyncio.to_thread(
        manage.list_locations, context.store, cid, tuple(tags), _location_scope(request)
    )
    shown = [manage.show_location(one, cid) for one in found]
    if wants_heard:
        shown = await _with_last_heard(request, cid, HeardKind.LOCATION, shown)
    return answer(
        {
            "generated": instants.format_instant(context.now()),
            "size": len(found),
            "locations": shown,
        }
    )


@post(
    "/v1/organizations/{cid:str}/locations", opt={"permission": access.MANAGE_LOCATIONS}
)
async def create_location(request: AnyRequest, cid: FromPath[str]) -> Response[bytes]:
    """Add a location."""
    value = await read_object(request)
    store = context_of(request).store
    made = await written(manage.create_location, store, cid, value)
    return answer(manage.show_location(made, cid), 201)


@get("/v1/locations/{lid:str}", opt={"permission": access.READ_LOCATIONS})
async def read_location(request: AnyRequest, lid: FromPath[str]) -> Response[bytes]:
    """One location."""
    cid = _own(request)
    record = await asyncio.to_thread(
        manage.find_location,
        context_of(request).store,
        cid,
        lid,
        _location_scope(request),
    )
    return answer(manage.show_location(record.location, cid))


@patch("/v1/locations/{lid:str}", opt={"permission": access.CHANGE_LOCATION})
async def change_location(request: AnyRequest, lid: FromPath[str]) -> Response[bytes]:
    """Change the fields of a location that are sent."""
    cid, value = _own(request), await read_object(request)
    store = context_of(request).store
    changed = await written(
        manage.change_location, store, cid, lid, value, _location_scope(request)
    )
    return answer(manage.show_location(changed, cid))


@delete(
    "/v1/locations/{lid:str}",
    opt={"permission": access.MANAGE_LOCATIONS},
    status_code=204,
)
async def delete_location(request: AnyRequest, lid: FromPath[str]) -> None:
    """Delete a location that has no hotspots."""
    store = context_of(request).store
    await written(manage.delete_location, store, _own(request), lid)


def _hotspots(
    request: AnyRequest, found: Sequence[Any], status: int = 200
) -> Response[bytes]:
    return answer(
        {
            "status": "OK",
            "generated": instants.format_instant(context_of(request).now()),
            "count": len(found),
            "hotspots": found,
        },
        status,
    )


@get("/v3/hotspots/organizations/{cid:str}", opt={"permission": access.READ_HOTSPOTS})
async def list_hotspots(request: AnyRequest, cid: FromPath[str]) -> Response[bytes]:
    """The hotspots of an organization."""
    wants_heard = _wants_last_heard(request)
    found = await asyncio.to_thread(
        manage.list_hotspots, context_of(request).store, cid, _location_scope(request)
    )
    if not wants_heard:
        return _hotspots(request, found)
    shown = [msgspec.to_builtins(one) for one in found]
    return _hotspots(
        request, await _with_last_heard(request, cid, HeardKind.HOTSPOT, shown)
    )


@post("/v3/hotspots/organizations/{cid:str}", opt={"permission": access.WRITE_HOTSPOTS})
async def create_hotspot(request: AnyRequest, cid: FromPath[str]) -> Response[bytes]:
    """Add a hotspot."""
    value = await read_object(request)
    store = context_of(request).store
    made = await written(
        manage.create_hotspot, store, cid, value, _location_scope(request)
    )
    return _hotspots(request, [made], 201)


@get("/v3/hotspots/{hid:str}", opt={"permission": access.READ_HOTSPOTS})
async def read_hotspot(request: AnyRequest, hid: FromPath[str]) -> Response[bytes]:
    """One hotspot."""
    store = context_of(request).store
    found = await asyncio.to_thread(
        manage.find_hotspot, store, _own(request), hid, _location_scope(request)
    )
    return _hotspots(request, [found])


@patch("/v3/hotspots/{hid:str}", opt={"permission": access.WRITE_HOTSPOTS})
async def change_hotspot(request: AnyRequest, hid: FromPath[str]) -> Response[bytes]:
    """Change the fields of a hotspot that are sent."""
    cid, value = _own(request), await read_object(request)
    store = context_of(request).store
    changed = await written(
        manage.change_hotspot, store, cid, hid, value, _location_scope(request)
    )
    return _hotspots(request, [changed])


@delete(
    "/v3/hotspots/{hid:str}",
    opt={"permission": access.WRITE_HOTSPOTS},
    status_code=204,
)
async def delete_hotspot(request: AnyRequest, hid: FromPath[str]) -> None:
    """Delete a hotspot."""
    store = context_of(request).store
    await written(
        manage.delete_hotspot, store, _own(request), hid, _location_scope(request)
    )


async def _read_rules(
    request: AnyRequest, cid: str, lid: str | None
) -> Response[bytes]:
    store = context_of(request).store
    return answer(
        await asyncio.to_thread(
            manage.read_settings, store, cid, lid, _location_scope(request)
        )
    )


async def _change_rules(
    request: AnyRequest, cid: str, lid: str | None
) -> Response[bytes]:
    value = await read_object(request)
    store = context_of(request).store
    changed = await written(
        manage.change_settings, store, cid, lid, value, _location_scope(request)
    )
    return answer(changed)


@get("/v1/organizations/{cid:str}/presence", opt={"permission": access.READ_SETTINGS})
async def read_rules(request: AnyRequest, cid: FromPath[str]) -> Response[bytes]:
    """The rules of presence of an organization."""
    return await _read_rules(request, cid, None)


@patch(
    "/v1/organizations/{cid:str}/presence", opt={"permission": access.CHANGE_SETTINGS}
)
async def change_rules(request: AnyRequest, cid: FromPath[str]) -> Response[bytes]:
    """Change the rules of presence of an organization, from now on."""
    return await _change_rules(request, cid, None)


@get("/v1/locations/{lid:str}/presence", opt={"permission": access.READ_LOCATIONS})
async def read_local_rules(request: AnyRequest, lid: FromPath[str]) -> Response[bytes]:
    """The rules of presence at a location."""
    return await _read_rules(request, _own(request), lid)


@patch("/v1/locations/{lid:str}/presence", opt={"permission": access.CHANGE_LOCATION})
async def change_local_rules(
    request: AnyRequest, lid: FromPath[str]
) -> Response[bytes]:
    """Change the rules of presence at a location, from now on."""
    return await _change_rules(request, _own(request), lid)


ROUTES = [
    list_locations,
    create_location,
    read_location,
    change_location,
    delete_location,
    list_hotspots,
    create_hotspot,
    read_hotspot,
    change_hotspot,
    delete_hotspot,
    read_rules,
    change_rules,
    read_local_rules,
    change_local_rules,
]
