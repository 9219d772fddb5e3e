"""A thin handler on granian over a table of events: the least that reads and writes.

`GET /events?after=CREATED_AT,ARRIVAL&size=N` and `POST /events`; the environment's PEER
and PEER_URL say which table.
"""

import asyncio
import os
from typing import Any
from urllib.parse import parse_qs

import msgspec

from peers.drivers import table_at
from peers.tables import Place, rows_of

_JSON = [("content-type", "application/json")]
_batch = msgspec.json.Decoder(list[msgspec.Raw])


class Handler:
    def __init__(self) -> None:
        self._table = table_at(os.environ["PEER"], os.environ["PEER_URL"])

    def __rsgi_init__(self, loop: asyncio.AbstractEventLoop) -> None:
        loop.run_until_complete(self._table.open())

    async def __rsgi__(self, scope: Any, protocol: Any) -> None:
        if scope.method == "POST":
            answer = await self._add(await protocol())
        else:
            answer = await self._page(parse_qs(scope.query_string))
        protocol.response_bytes(200, _JSON, answer)

    async def _add(self, sent: bytes) -> bytes:
        accepted = await self._table.add(rows_of(map(bytes, _batch.decode(sent))))
        return b'{"accepted":%d}' % accepted

    async def _page(self, asked: dict[str, list[str]]) -> bytes:
        at, arrival = map(int, asked["after"][0].split(","))
        found = await self._table.after(Place(at, arrival), int(asked["size"][0]))
        events = b",".join([body for _, _, body in found])
        if not found:
            return b'{"next":null,"events":[]}'
        return b'{"next":"%d,%d","events":[%b]}' % (*found[-1][:2], events)


handler = Handler()
