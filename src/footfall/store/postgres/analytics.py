"""What analytics keeps, in PostgreSQL."""

from typing_extensions import override

from footfall.store.relational.analytics import SQLAnalytics


class PostgresAnalytics(SQLAnalytics):
    """The repository; rows of the log are numbered by their arrival."""

    @override
    def _row_of(self, arrival: int) -> int:
        return arrival
