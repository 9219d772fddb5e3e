"""Routes of places: locations, hotspots, and the rules of presence."""

import asyncio
from typing import Any

from litestar import Request, Response, delete, get, patch, post

from footfall.core import access, instants
from footfall.core.places import Hotspot
from footfall.flows import registry
from footfall.web.answers import answer, read_object, written
from footfall.web.context import context_of

Asked = Request[Any, Any, Any]


def _own(request: Asked) -> str:
    organization: str = request.state.grant.service.organization
    return organization


def _only(request: Asked) -> registry.Only:
    only: registry.Only = request.state.grant.service.only
    return only


@get("/v1/organizations/{cid:str}/locations", opt={"permission": access.READ_LOCATIONS})
async def list_locations(request: Asked, cid: str) -> Response[bytes]:
    """The locations of an organization, those with all of `tags`."""
    context = context_of(request)
    tags = [
        tag.strip()
        for sent in request.query_params.getall("tags", [])
        for tag in sent.split(",")
        if tag.strip()
    ]
    found = await asyncio.to_thread(
        registry.list_locations, context.store, cid, tuple(tags), _only(request)
    )
    return answer(
        {
            "generated": instants.format_instant(context.now()),
            "size": len(found),
            "locations": [registry.show_location(one, cid) for one in found],
        }
    )


@post(
    "/v1/organizations/{cid:str}/locations", opt={"permission": access.MANAGE_LOCATIONS}
)
async def create_location(request: Asked, cid: str) -> Response[bytes]:
    """Add a location."""
    value = await read_object(request)
    store = context_of(request).store
    made = await written(registry.create_location, store, cid, value)
    return answer(registry.show_location(made, cid), 201)


@get("/v1/locations/{lid:str}", opt={"permission": access.READ_LOCATIONS})
async def read_location(request: Asked, lid: str) -> Response[bytes]:
    """One location."""
    cid = _own(request)
    site = await asyncio.to_thread(
        registry.find_location, context_of(request).store, cid, lid, _only(request)
    )
    return answer(registry.show_location(site.location, cid))


@patch("/v1/locations/{lid:str}", opt={"permission": access.CHANGE_LOCATION})
async def change_location(request: Asked, lid: str) -> Response[bytes]:
    """Change the fields of a location that are sent."""
    cid, value = _own(request), await read_object(request)
    store = context_of(request).store
    changed = await written(
        registry.change_location, store, cid, lid, value, _only(request)
    )
    return answer(registry.show_location(changed, cid))


@delete(
    "/v1/locations/{lid:str}",
    opt={"permission": access.MANAGE_LOCATIONS},
    status_code=204,
)
async def delete_location(request: Asked, lid: str) -> None:
    """Delete a location that has no hotspots."""
    store = context_of(request).store
    await written(registry.delete_location, store, _own(request), lid)


def _hotspots(
    request: Asked, found: list[Hotspot], status: int = 200
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
async def list_hotspots(request: Asked, cid: str) -> Response[bytes]:
    """The hotspots of an organization."""
    found = await asyncio.to_thread(
        registry.list_hotspots, context_of(request).store, cid, _only(request)
    )
    return _hotspots(request, found)


@post("/v3/hotspots/organizations/{cid:str}", opt={"permission": access.WRITE_HOTSPOTS})
async def create_hotspot(request: Asked, cid: str) -> Response[bytes]:
    """Add a hotspot."""
    value = await read_object(request)
    store = context_of(request).store
    made = await written(registry.create_hotspot, store, cid, value, _only(request))
    return _hotspots(request, [made], 201)


@get("/v3/hotspots/{hid:str}", opt={"permission": access.READ_HOTSPOTS})
async def read_hotspot(request: Asked, hid: str) -> Response[bytes]:
    """One hotspot."""
    store = context_of(request).store
    found = await asyncio.to_thread(
        registry.find_hotspot, store, _own(request), hid, _only(request)
    )
    return _hotspots(request, [found])


@patch("/v3/hotspots/{hid:str}", opt={"permission": access.WRITE_HOTSPOTS})
async def change_hotspot(request: Asked, hid: str) -> Response[bytes]:
    """Change the fields of a hotspot that are sent."""
    cid, value = _own(request), await read_object(request)
    store = context_of(request).store
    changed = await written(
        registry.change_hotspot, store, cid, hid, value, _only(request)
    )
    return _hotspots(request, [changed])


@delete(
    "/v3/hotspots/{hid:str}",
    opt={"permission": access.WRITE_HOTSPOTS},
    status_code=204,
)
async def delete_hotspot(request: Asked, hid: str) -> None:
    """Delete a hotspot."""
    store = context_of(request).store
    await written(registry.delete_hotspot, store, _own(request), hid, _only(request))


async def _read_rules(request: Asked, cid: str, lid: str | None) -> Response[bytes]:
    store = context_of(request).store
    return answer(
        await asyncio.to_thread(registry.read_settings, store, cid, lid, _only(request))
    )


async def _change_rules(request: Asked, cid: str, lid: str | None) -> Response[bytes]:
    value = await read_object(request)
    store = context_of(request).store
    changed = await written(
        registry.change_settings, store, cid, lid, value, _only(request)
    )
    return answer(changed)


@get("/v1/organizations/{cid:str}/presence", opt={"permission": access.READ_SETTINGS})
async def read_rules(request: Asked, cid: str) -> Response[bytes]:
    """The rules of presence of an organization."""
    return await _read_rules(request, cid, None)


@patch(
    "/v1/organizations/{cid:str}/presence", opt={"permission": access.CHANGE_SETTINGS}
)
async def change_rules(request: Asked, cid: str) -> Response[bytes]:
    """Change the rules of presence of an organization, from now on."""
    return await _change_rules(request, cid, None)


@get("/v1/locations/{lid:str}/presence", opt={"permission": access.READ_LOCATIONS})
async def read_local_rules(request: Asked, lid: str) -> Response[bytes]:
    """The rules of presence at a location."""
    return await _read_rules(request, _own(request), lid)


@patch("/v1/locations/{lid:str}/presence", opt={"permission": access.CHANGE_LOCATION})
async def change_local_rules(request: Asked, lid: str) -> Response[bytes]:
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
