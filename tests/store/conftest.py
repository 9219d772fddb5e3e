"""A PostgreSQL store for the tests of what only it does."""

from collections.abc import Iterator

import pytest

from footfall.store import Organization
from footfall.store.postgres import PostgresStore
from tests import postgres


@pytest.fixture
def postgres_store(postgres_url: str) -> Iterator[PostgresStore]:
    """One with an organization, in a schema of its own."""
    opened = postgres.open_store(postgres_url)
    opened.create_organization(Organization("org", "Org", 0)).result()
    yield opened
    opened.close()
