"""The stores of the benchmark: made once, kept, and written to directly to compare."""

import itertools
import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import apsw
import psycopg

from footfall import clock, service, settings
from footfall.core.events.structs import NewEvent
from footfall.flows.accounts import tenants
from footfall.flows.analytics import update
from footfall.runtime.keys import derive_key
from footfall.settings import Settings
from footfall.simulation import chain, history
from footfall.store.relational.keys import Keys
from footfall.store.sqlite import SQL, Rows
from footfall.store.sqlite.connections import open_writer

DATA = Path(os.environ.get("BENCH_DATA") or Path(__file__).parent / "data")
ORG = "bench"
# Of all stores here, so that a copy of one opens too.
os.environ["FOOTFALL_SECRET"] = "bench" * 8
_CONTACT = """
  SELECT contact.id FROM contact JOIN event ON event.contact = contact.number
  WHERE contact.number < 3000 GROUP BY contact.number, contact.id
  ORDER BY abs(count(*) - {}) LIMIT 1
"""

_CONTACTS = "SELECT id FROM contact"
_ADD_CONTACT = """
  INSERT INTO contact (organization, key, id) VALUES (?, ?, ?) ON CONFLICT DO NOTHING
"""
_ADD_EVENT = """
  INSERT INTO event (number, organization, contact, type, created_at, local_at, key)
  VALUES (
    ?, ?2, (SELECT number FROM contact WHERE organization = ?2 AND key = ?3),
    ?4, ?5, ?6, ?7
  )
"""
_ADD_BODY = "INSERT INTO body (number, body) VALUES (?, ?)"


class Engine(Protocol):
    """Where an engine's stores are."""

    direct: str  # what events that are sent are compared with

    def has(self, name: str) -> bool:
        """Tell whether a store is there."""

    def settings(self, name: str) -> Settings:
        """Return the settings of a store, which may not be there yet."""

    def rename(self, name: str, new: str) -> None:
        """Rename a store that nobody has open."""

    def remove(self, name: str) -> None:
        """Remove a store if it is there."""

    def contact(self, name: str, events: int) -> str:
        """Return a contact with about so many events."""

    def contacts(self, name: str) -> list[str]:
        """Return all contacts."""

    def write_directly(self, name: str, batches: list[list[NewEvent]]) -> float:
        """Return the seconds that ready rows take, a commit for each batch."""


class SQLite:
    """Files in a folder."""

    direct = "executemany"

    def _path(self, name: str) -> Path:
        DATA.mkdir(exist_ok=True)
        return DATA / f"{name}.db"

    def has(self, name: str) -> bool:
        return self._path(name).exists()

    def settings(self, name: str) -> Settings:
        return settings.load(os.environ, store=f"sqlite:{self._path(name)}")

    def rename(self, name: str, new: str) -> None:
        self._path(name).rename(self._path(new))

    def remove(self, name: str) -> None:
        for end in ("", "-wal", "-shm", ".secret", ".ballast", ".erasures"):
            path = self._path(name)
            path.with_name(path.name + end).unlink(missing_ok=True)

    def copy(self, name: str, new: str) -> None:
        shutil.copy(self._path(name), self._path(new))

    def contact(self, name: str, events: int) -> str:
        connection = apsw.Connection(str(self._path(name)))
        [contact] = connection.execute(_CONTACT.format(events)).fetchone()
        connection.close()
        return str(contact)

    def contacts(self, name: str) -> list[str]:
        connection = apsw.Connection(str(self._path(name)))
        found = [contact for (contact,) in connection.execute(_CONTACTS)]
        connection.close()
        return found

    def write_directly(self, name: str, batches: list[list[NewEvent]]) -> float:
        keys = _keys(self.settings(name))
        connection = open_writer(self._path(name), keys)
        [organization] = connection.execute(SQL["organization"], {"id": ORG}).fetchone()
        first = int(connection.execute(SQL["newest_row"]).get) + 1
        ready = []
        for batch in batches:
            rows = Rows(batch, keys)
            ready.append(
                (
                    [(organization, key, one) for one, key in rows.contacts.items()],
                    [
                        (n, organization, rows.contacts[contact], *rest)
                        for n, (contact, *rest) in enumerate(rows.rows, first)
                    ],
                    [(n, event.body) for n, event in enumerate(rows.new, first)],
                )
            )
            first += len(batch)
        began = time.perf_counter()
        for contacts, events, bodies in ready:
            with connection:
                connection.executemany(_ADD_CONTACT, contacts)
                connection.executemany(_ADD_EVENT, events)
                connection.executemany(_ADD_BODY, bodies)
        took = time.perf_counter() - began
        connection.close()
        return took


class Postgres:
    """Schemas of a database."""

    direct = "COPY"

    def __init__(self, url: str):
        self._url = url

    def _run(self, statement: str) -> list[tuple[object, ...]]:
        with psycopg.connect(self._url, autocommit=True) as connection:
            cursor = connection.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []

    def _schema(self, name: str) -> str:
        return f"footfall_bench_{name}"

    def has(self, name: str) -> bool:
        found = f"SELECT to_regnamespace('{self._schema(name)}')"
        return self._run(found)[0][0] is not None

    def settings(self, name: str) -> Settings:
        self._run(f"CREATE SCHEMA IF NOT EXISTS {self._schema(name)}")
        sign = "&" if "?" in self._url else "?"
        url = f"{self._url}{sign}options=-c%20search_path%3D{self._schema(name)}"
        return settings.load(os.environ, store=url)

    def rename(self, name: str, new: str) -> None:
        self._run(f"ALTER SCHEMA {self._schema(name)} RENAME TO {self._schema(new)}")

    def remove(self, name: str) -> None:
        self._run(f"DROP SCHEMA IF EXISTS {self._schema(name)} CASCADE")

    def contact(self, name: str, events: int) -> str:
        self._run(f"ANALYZE {self._schema(name)}.event")
        with psycopg.connect(self.settings(name).store) as connection:
            row = connection.execute(_CONTACT.format(events).encode()).fetchone()
        assert row is not None
        return str(row[0])

    def contacts(self, name: str) -> list[str]:
        with psycopg.connect(self.settings(name).store) as connection:
            return [contact for (contact,) in connection.execute(_CONTACTS)]

    def write_directly(self, name: str, batches: list[list[NewEvent]]) -> float:
        first = 10_000_000
        ready = []
        for batch in batches:
            ready.append(
                [
                    (
                        *(1, first + n, 1 + n % 1000, int(e.type)),
                        *(e.created_at, e.local_at, e.key, e.body),
                    )
                    for n, e in enumerate(batch)
                ]
            )
            first += len(batch)
        statement = (
            "COPY event (organization, arrival, contact, type, created_at, local_at,"
            " key, body) FROM STDIN (FORMAT BINARY)"
        )
        types = ["int8", "int8", "int8", "int2", "int8", "int8", "bytea", "bytea"]
        with psycopg.connect(self.settings(name).store) as connection:
            began = time.perf_counter()
            for rows in ready:
                with connection.cursor().copy(statement) as copy:
                    copy.set_types(types)
                    for row in rows:
                        copy.write_row(row)
                connection.commit()
            return time.perf_counter() - began


def engine_of(url: str) -> "SQLite | Postgres":
    """Return the engine that a store's address names; SQLite without one."""
    return Postgres(url) if url else SQLite()


def prepare(engine: "SQLite | Postgres", count: int, name: str | None = None) -> str:
    """Make a store of so many simulated events unless it is there; return its name."""
    name = name or str(count)
    if engine.has(name):
        return name
    engine.remove("part")
    store = service.open_store(engine.settings("part"))
    tenants.create_organization(store, "Bench", ORG, clock.now())
    began = time.perf_counter()
    history.simulate(store, ORG, count, 1, 60, lambda _: None)
    # Else the first server to open it counts all of it while something is measured.
    update.update(store, ORG)
    store.close()
    engine.rename("part", name)
    print(f"simulated {count} events in {time.perf_counter() - began:.0f} s")
    return name


def fresh_batches(count: int, seed: int) -> Iterator[list[NewEvent]]:
    """Batches of 500 events that are in no store yet."""
    made = chain.simulate(ORG, count * 500, seed, 60)
    flat = itertools.chain.from_iterable(made)
    for _ in range(count):
        yield list(itertools.islice(flat, 500))


def _keys(chosen: Settings) -> Keys:
    return Keys(derive_key(settings.signing_secret(chosen), "store", 64))
