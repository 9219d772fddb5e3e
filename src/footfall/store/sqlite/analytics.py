"""What analytics keeps, in SQLite."""

from typing_extensions import override

from footfall.store.relational.analytics import SQLAnalytics
from footfall.store.sqlite.arrivals import rows_of
from footfall.store.sqlite.session import SQLiteSession


class SQLiteAnalytics(SQLAnalytics):
    """The repository on one connection; rows of the log are numbered by themselves."""

    def __init__(self, session: SQLiteSession):
        super().__init__(session)
        self._connection = session.connection

    @override
    def _row_of(self, arrival: int) -> int:
        return rows_of(self._connection, self._session.organization, arrival, None)[0]
