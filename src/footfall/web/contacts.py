"""Routes of contacts: erasure."""

from typing import Any

import msgspec
from litestar import MediaType, Request, Response, delete

from footfall.core.access import ERASE_CONTACT
from footfall.flows.erase import erase_contact
from footfall.web.context import context_of


@delete(
    "/v1/organizations/{cid:str}/customers/{contact:str}",
    opt={"permission": ERASE_CONTACT},
    status_code=200,
)
async def erase(
    request: Request[Any, Any, Any], cid: str, contact: str
) -> Response[bytes]:
    """Erase a contact and all its events, for good."""
    erased = await erase_contact(context_of(request).store, cid, contact)
    return Response(msgspec.json.encode(erased), media_type=MediaType.JSON)
