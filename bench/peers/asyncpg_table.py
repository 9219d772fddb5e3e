"""Events in PostgreSQL by bare asyncpg."""

from typing import Any

import asyncpg

from peers.tables import Place, Row

_SCHEMA = """
  CREATE TABLE IF NOT EXISTS event (
    arrival bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id text NOT NULL UNIQUE,
    customer text NOT NULL,
    type text NOT NULL,
    created_at bigint NOT NULL,
    body bytea NOT NULL
  );
  CREATE INDEX IF NOT EXISTS event_by_time ON event (created_at, arrival);
  CREATE INDEX IF NOT EXISTS event_by_customer
    ON event (customer, created_at, arrival);
"""
_ADD = """
  INSERT INTO event (id, customer, type, created_at, body)
  SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::bigint[], $5::bytea[])
  ON CONFLICT (id) DO NOTHING
"""
_AFTER = """
  SELECT created_at, arrival, body FROM event WHERE (created_at, arrival) > ($1, $2)
  ORDER BY created_at, arrival LIMIT $3
"""


class AsyncpgTable:
    def __init__(self, url: str):
        self._url = url
        self._pool: Any = None

    async def open(self) -> None:
        self._pool = await asyncpg.create_pool(self._url, min_size=4, max_size=8)
        await self._pool.execute(_SCHEMA)

    async def close(self) -> None:
        await self._pool.close()

    async def add(self, rows: list[Row]) -> int:
        done = await self._pool.execute(_ADD, *map(list, zip(*rows, strict=True)))
        return int(done.rpartition(" ")[2])

    async def after(self, place: Place, size: int) -> list[tuple[int, int, bytes]]:
        found: list[tuple[int, int, bytes]] = await self._pool.fetch(
            _AFTER, *place, size
        )
        return found
