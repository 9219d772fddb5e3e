"""The ceiling: the same server, framework and token check, answering constant bytes.

Run as `python bench/constant.py STORE FOLDER`: `/constant/CID/NAME` answers with the
bytes of FOLDER/NAME if the token may read the organization's events; `…/stream` sends
them in chunks as large as an export's.
"""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from litestar import Litestar, MediaType, Request, Response, get
from litestar.datastructures import State
from litestar.response import Stream

from footfall import logs, server, service, settings
from footfall.core.access import READ_EVENTS
from footfall.flows.accounts.rate_limits import Limiter
from footfall.flows.events.export import SLICE_BYTES
from footfall.runtime import http
from footfall.web.concurrency import limited
from footfall.web.guard import guard
from footfall.web.logs import logged

STORE, FOLDER = sys.argv[1], Path(sys.argv[2])
KEPT = {file.name: file.read_bytes() for file in FOLDER.iterdir()}
CHUNKS = {
    name: [kept[at : at + SLICE_BYTES] for at in range(0, len(kept), SLICE_BYTES)]
    for name, kept in KEPT.items()
}


@get("/constant/{cid:str}/{name:str}", opt={"permission": READ_EVENTS})
async def constant(
    request: Request[Any, Any, Any],  # noqa: ARG001  as every handler has it
    cid: str,  # noqa: ARG001
    name: str,
) -> Response[bytes]:
    return Response(KEPT[name], media_type=MediaType.JSON)


@get("/constant/{cid:str}/{name:str}/stream", opt={"permission": READ_EVENTS})
async def constant_stream(
    cid: str,  # noqa: ARG001
    name: str,
) -> Stream:
    async def chunks() -> AsyncIterator[bytes]:
        for chunk in CHUNKS[name]:
            yield chunk

    return Stream(chunks(), media_type="application/x-ndjson")


def main() -> None:
    logs.configure("json")
    chosen = settings.load(os.environ, store=STORE)
    store = service.open_store(chosen)
    context = server.make_context(
        store, settings.signing_secret(chosen), Limiter(1_000_000, 1_000_000)
    )
    app = Litestar(
        [constant, constant_stream],
        guards=[guard],
        state=State({"context": context}),
        openapi_config=None,
        logging_config=None,
    )
    try:
        asyncio.run(
            http.run(
                logged(limited(app)),
                "127.0.0.1",
                0,
                lambda a: print("serves", a, flush=True),
                lambda: None,
            )
        )
    finally:
        store.close()


main()
