"""Events by SQLAlchemy: the same code on SQLite and on PostgreSQL."""

import asyncio
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from peers.tables import Place, Row


class Base(DeclarativeBase):
    pass


class Event(Base):
    __tablename__ = "event"
    __table_args__ = (
        sa.Index("event_by_time", "created_at", "arrival"),
        sa.Index("event_by_customer", "customer", "created_at", "arrival"),
    )

    # SQLite numbers rows by themselves only if the type is INTEGER.
    arrival: Mapped[int] = mapped_column(
        sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True
    )
    id: Mapped[str] = mapped_column(unique=True)
    customer: Mapped[str]
    type: Mapped[str]
    created_at: Mapped[int] = mapped_column(sa.BigInteger)
    body: Mapped[bytes]


class SQLAlchemyTable:
    def __init__(self, url: str):
        self._engine = sa.create_engine(
            url.replace("postgresql://", "postgresql+psycopg://"), pool_size=8
        )
        if self._engine.dialect.name == "sqlite":
            sa.event.listen(self._engine, "connect", _durable)

    async def open(self) -> None:
        await asyncio.to_thread(Base.metadata.create_all, self._engine)

    async def close(self) -> None:
        self._engine.dispose()

    async def add(self, rows: list[Row]) -> int:
        return await asyncio.to_thread(self._add, rows)

    def _add(self, rows: list[Row]) -> int:
        dialect: Any = sqlite if self._engine.dialect.name == "sqlite" else postgresql
        insert = dialect.insert(Event.__table__).on_conflict_do_nothing(
            index_elements=["id"]
        )
        # Past the session, which would not say how many were new.
        with self._engine.begin() as connection:
            done = connection.execute(insert, [row._asdict() for row in rows])
            return int(done.rowcount)

    async def after(self, place: Place, size: int) -> list[tuple[int, int, bytes]]:
        return await asyncio.to_thread(self._after, place, size)

    def _after(self, place: Place, size: int) -> list[tuple[int, int, bytes]]:
        key = sa.tuple_(Event.created_at, Event.arrival)
        found = (
            sa.select(Event.created_at, Event.arrival, Event.body)
            .where(key > sa.tuple_(*place))
            .order_by(Event.created_at, Event.arrival)
            .limit(size)
        )
        with Session(self._engine) as session:
            return [(at, arrival, body) for at, arrival, body in session.execute(found)]


def _durable(connection: Any, _record: Any) -> None:
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA busy_timeout = 30000")
