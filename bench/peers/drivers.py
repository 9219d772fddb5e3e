"""The tables of events by what reads and writes them."""

from peers.asyncpg_table import AsyncpgTable
from peers.sqlalchemy_table import SQLAlchemyTable
from peers.tables import Table


def table_at(peer: str, url: str) -> Table:
    return AsyncpgTable(url) if peer == "asyncpg" else SQLAlchemyTable(url)
