"""Organizations by their ids: rows are found by an organization's number."""

import msgspec
import psycopg

from footfall.errors import AlreadyExists, OrganizationUnknown
from footfall.store import Organization
from footfall.store.postgres.connections import Connection
from footfall.store.postgres.statements import SQL


class Numbers:
    """The numbers of organizations, remembered: neither it nor the id ever changes."""

    def __init__(self) -> None:
        self._known: dict[str, int] = {}

    def of(self, connection: Connection, organization: str) -> int:
        """Return an organization's number.

        Raises:
            OrganizationUnknown: There is none.
        """
        number = self._known.get(organization)
        if number is None:
            values = {"id": organization}
            row = connection.execute(SQL["organization_number"], values).fetchone()
            if row is None:
                raise OrganizationUnknown(f"There is no organization {organization}.")
            number = self._known[organization] = int(row[0])
        return number


def add_organization(connection: Connection, organization: Organization) -> int:
    """Add a tenant, in a transaction; returns its number.

    Raises:
        AlreadyExists: The id is taken.
    """
    values = msgspec.structs.asdict(organization)
    try:
        added = connection.execute(SQL["add_organization_number"], values)
    except psycopg.errors.UniqueViolation:
        message = f"There is an organization {organization.id} already."
        raise AlreadyExists(message) from None
    [(number,)] = added.fetchall()
    connection.execute(SQL["add_organization"], values | {"organization": number})
    return int(number)
