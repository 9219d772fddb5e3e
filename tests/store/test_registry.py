"""The registry changes in place: unchanged rows are neither read nor compared."""

import pytest

from footfall import service
from footfall.core.observations import PlaceReference
from footfall.core.places import Hotspot, Location, PresenceSettings
from footfall.errors import Invalid, NotAllowed
from footfall.flows.places import manage
from footfall.store import Organization
from tests.shared import rows_read

MANY = 1_000


@pytest.fixture
def filled(store):
    store.create_organization(Organization("org", "Org", 1)).result()

    def fill(transaction):
        for n in range(10):
            transaction.registry.put_location(
                Location(f"l{n}", f"L{n}", external_id=f"e{n}"), NONE
            )
        for n in range(MANY):
            mac = n.to_bytes(6, "big").hex(":")
            transaction.registry.put_hotspot(
                Hotspot(f"h{n}", "H", f"l{n % 10}", None, mac, f"nas{n}")
            )

    store.transaction("org", fill).result()
    return store


NONE = PresenceSettings()


def registry(store):
    return store.read("org", lambda transaction: transaction.registry.load())


def change(store, hotspot, only=None, **value):
    return manage.change_hotspot(store, "org", hotspot, value, only).result()


def test_a_change_reads_few_rows_however_many_there_are(filled, monkeypatch):
    registry(filled)
    with rows_read(monkeypatch) as counted:
        change(filled, "h7", name="New")
        change(filled, "h8", macAddress="aa:aa:aa:aa:aa:aa")
        assert registry(filled).hotspot("h7").name == "New"
    assert counted.rows < 40, counted


def test_another_stores_changes_are_seen_by_reading_only_them(
    filled, chosen, monkeypatch
):
    other = service.open_store(chosen)
    registry(other)
    change(filled, "h7", name="New")
    manage.delete_hotspot(filled, "org", "h8", None).result()
    with rows_read(monkeypatch) as counted:
        found = registry(other)
    assert counted.rows < 12, counted
    assert found.hotspot("h7").name == "New"
    assert found.hotspot("h8") is None
    assert found.find(PlaceReference(hotspot="h8")) is None
    other.close()


def test_what_changed_is_found_by_its_new_names_and_not_by_its_old_ones(filled):
    change(filled, "h7", macAddress="aa:aa:aa:aa:aa:aa", nasIdentifier="new")
    found = registry(filled)
    old_mac = (7).to_bytes(6, "big")
    assert found.hotspot(old_mac) is found.hotspot_of_nas("nas7") is None
    assert found.hotspot(b"\xaa" * 6).id == found.hotspot_of_nas("new").id == "h7"
    change(filled, "h9", macAddress=old_mac.hex(":"), nasIdentifier="nas7")
    assert registry(filled).hotspot(old_mac).id == "h9"


def test_a_change_that_is_undone_leaves_no_trace(filled):
    before = registry(filled)

    def work(transaction):
        transaction.registry.put_hotspot(Hotspot("h7", "Never", "l1"))
        assert transaction.registry.load().hotspot("h7").name == "Never"
        raise ValueError

    assert isinstance(filled.transaction("org", work).exception(), ValueError)
    assert registry(filled).hotspot("h7") == before.hotspot("h7")
    # Its version is given again, to another change.
    change(filled, "h8", name="Other")
    assert registry(filled).hotspot("h7") == before.hotspot("h7")
    assert registry(filled).hotspot("h8").name == "Other"


def test_a_deleted_hotspot_can_come_again(filled):
    manage.delete_hotspot(filled, "org", "h7", None).result()
    value = {"id": "h7", "name": "Again", "venueId": "l2"}
    manage.create_hotspot(filled, "org", value, None).result()
    assert registry(filled).hotspot("h7").name == "Again"
    assert len(registry(filled).hotspots) == MANY


def test_an_external_id_is_one_locations(filled):
    made = manage.create_location(filled, "org", {"name": "X", "externalId": "e1"})
    changed = manage.change_location(filled, "org", "l2", {"externalId": "e1"}, None)
    for future in (made, changed):
        with pytest.raises(Invalid) as refused:
            future.result()
        assert refused.value.errors[0].field == "externalId"
    same = {"externalId": "e1", "name": "Renamed"}
    manage.change_location(filled, "org", "l1", same, None).result()


def test_a_location_manager_moves_no_presence_of_other_venues(filled):
    only = frozenset({"l1"})
    with pytest.raises(NotAllowed):
        manage.change_location(filled, "org", "l1", {"externalId": "e2"}, only).result()
    mac = (2).to_bytes(6, "big").hex()
    for taken in ({"macAddress": mac}, {"nasIdentifier": "nas2"}):
        with pytest.raises(Invalid) as refused:
            change(filled, "h1", only, **taken)
        assert "h2" not in refused.value.detail + str(refused.value.errors)
    kept = {"externalId": "e1", "name": "Renamed"}
    manage.change_location(filled, "org", "l1", kept, only).result()


def test_of_locations_that_shared_an_external_id_the_first_has_it(filled):
    def share(transaction):
        transaction.registry.put_location(
            Location("late", "Late", external_id="e1"), NONE
        )

    filled.transaction("org", share).result()
    assert registry(filled).location_of_external_id("e1").location.id == "l1"
    problems = filled.check_health()["problems"]
    assert [p for p in problems if "late" in p and "externalId" in p]


def test_imported_lines_of_one_external_id_are_one_location(filled, tmp_path):
    from footfall.flows.places import import_csv  # noqa: PLC0415

    file = tmp_path / "venues.csv"
    file.write_text("externalId,name,timezone\nx,First,Europe/Rome\nx,Second,\n")
    for _ in range(2):
        assert import_csv.import_locations(filled, "org", file).stored == 2
        found = registry(filled).location_of_external_id("x").location
        assert (found.name, found.timezone) == ("Second", "Europe/Rome")
        assert len(registry(filled).locations) == 11
    file.write_text("id,name,externalId\na,A,y\nb,B,y\nl3,L,e1\n")
    refused = import_csv.import_locations(filled, "org", file).rejected
    assert [one.line for one in refused] == [3, 4]
    assert "externalId" in refused[0].reason


def test_importing_hotspots_keeps_what_the_file_leaves_out(filled, tmp_path):
    from footfall.flows.places import import_csv  # noqa: PLC0415

    before = registry(filled).hotspot("h7")
    file = tmp_path / "aps.csv"
    file.write_text(f"id,name\nh7,New\n,\n{'x' * 9},No venue\n")
    done = import_csv.import_hotspots(filled, "org", file)
    assert (done.stored, len(done.rejected)) == (1, 2)
    after = registry(filled).hotspot("h7")
    assert after == type(before)(
        "h7", "New", before.venue_id, None, before.mac_address, before.nas_identifier
    )
    file.write_text(f"macAddress,vendor\n{before.mac_address},acme\n")
    assert import_csv.import_hotspots(filled, "org", file).stored == 1
    assert registry(filled).hotspot("h7").vendor == "acme"
