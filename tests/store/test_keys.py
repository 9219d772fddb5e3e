"""The file alone reveals neither addresses nor contacts."""

import gzip
import hashlib
from pathlib import Path

import apsw
import pytest

from footfall.core import observations
from footfall.core.observations import StoredObservation
from footfall.core.queries import EventQuery
from footfall.errors import SecretWrong
from footfall.store import Organization
from footfall.store.sqlite import SQLiteStore
from tests.conftest import EXAMPLE, SEED_ORGANIZATION
from tests.shared import SEALING_KEY, open_sqlite
from tests.store.test_contract import new

OLD = Path(__file__).parents[1] / "fixtures" / "schema-0002.db.gz"


def plain_digest(contact):
    """The digest of a contact in older schemas."""
    return hashlib.blake2b(contact.encode(), digest_size=16).digest()


def keys_of(store):
    registry = store.read("org", lambda transaction: transaction.registry.load())
    return registry.device_key, registry.identity_key


def made(path):
    store = open_sqlite(path)
    store.create_organization(Organization("org", "Org", 0)).result()
    store.append("org", [new(customerId="ann")]).result()
    store.transaction("org", lambda transaction: transaction.registry.load()).result()
    return store


def test_no_key_and_no_digest_that_can_be_guessed_is_in_the_file(tmp_path):
    store = made(tmp_path / "footfall.db")
    keys = keys_of(store)
    contacts_key = store._keys._contacts
    store.close()
    data = (tmp_path / "footfall.db").read_bytes()
    for key in (*keys, contacts_key):
        assert len(key) == 32
        assert key not in data
    assert plain_digest("ann") not in data


def test_a_store_opens_only_under_its_secret(tmp_path):
    path = tmp_path / "footfall.db"
    store = made(path)
    keys = keys_of(store)
    store.close()
    with pytest.raises(SecretWrong, match="another secret"):
        SQLiteStore(path, bytes(64))
    again = open_sqlite(path)
    assert keys_of(again) == keys
    assert again.page(EventQuery("org", "ann")).count == 1
    again.close()


def test_two_stores_digest_the_same_contact_in_different_ways(tmp_path):
    digests = set()
    for name in ("a.db", "b.db"):
        store = SQLiteStore(tmp_path / name, SEALING_KEY)
        digests.add(store._keys.contact("ann"))
        store.close()
    assert len(digests) == 2


def test_a_sealed_key_opens_only_for_its_organization(tmp_path):
    store = made(tmp_path / "footfall.db")
    store.create_organization(Organization("other", "Other", 0)).result()
    store.transaction("other", lambda transaction: transaction.registry.load()).result()

    def swap(connection):
        connection.execute(
            "UPDATE organization_key SET organization = 3 - organization"
        ).fetchall()

    store._writer.submit(swap).result()
    store.close()
    again = open_sqlite(tmp_path / "footfall.db")
    with pytest.raises(SecretWrong):
        keys_of(again)
    again.close()


def test_an_older_stores_keys_are_sealed_and_its_contacts_found(tmp_path):
    path = tmp_path / "footfall.db"
    path.write_bytes(gzip.decompress(OLD.read_bytes()))
    contact = EXAMPLE[0]["customerId"]
    key = bytes(range(32))
    kept = StoredObservation(plain_digest(contact), 1_000_000, 1, by_contact=True)
    connection = apsw.Connection(str(path))
    connection.execute("DELETE FROM organization_key")
    number = connection.execute(
        "SELECT number FROM organization WHERE id = ?", (SEED_ORGANIZATION,)
    ).get
    connection.execute(
        "INSERT INTO organization_key VALUES (9, ?, 'device', ?)", (number, key)
    )
    connection.execute(
        "INSERT INTO block VALUES (99, ?, 0, 0, 2000000, ?)",
        (number, observations.pack([kept])),
    )
    connection.close()
    store = SQLiteStore(path, SEALING_KEY)
    assert store.page(EventQuery(SEED_ORGANIZATION, contact)).count > 0

    def look(transaction):
        found = [one.subject for one in transaction.observations.between(0, 2_000_000)]
        return (
            transaction.registry.load().device_key,
            transaction.people.contact_key(contact),
            found,
        )

    device_key, digest, subjects = store.read(SEED_ORGANIZATION, look)
    assert device_key == key
    assert digest in subjects
    store.close()
    data = path.read_bytes()
    assert key not in data
    assert plain_digest(contact) not in data
