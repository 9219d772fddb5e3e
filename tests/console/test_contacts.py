"""A contact is found, read, exported and erased."""

import json
import re
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.console.conftest import saved


@pytest.fixture
def ann(console):
    """A contact with an email, a device and events."""
    tenant, venue = console.tenant, console.venues[4]
    path = f"/v1/organizations/{tenant.id}/customers"
    made = tenant.client.post(
        path,
        json={
            "email": "ann@example.org",
            "firstName": "Ann",
            "devices": ["00:18:0a:12:34:56"],
        },
    )
    assert made.status_code == 201, made.text
    name = made.json()["id"]
    where = {"locationId": venue.id, "locationName": venue.name}
    start, login, end = (f"2026-05-01T10:{minute}:00Z" for minute in ("00", "05", "40"))
    span = {"startAt": start, "timezone": venue.zone, "duration": 40}
    sent: list[dict[str, Any]] = [
        {"event": {"type": "arriving"}, "when": {"createdAt": start}},
        {"event": {"type": "login"}, "when": {"createdAt": login}},
        {"event": {"type": "visit", "visit": span}, "when": {"createdAt": end}},
    ]
    whole = [one | {"customerId": name, "where": where} for one in sent]
    assert tenant.send(whole).json()["accepted"] == 3
    yield name
    tenant.client.delete(f"{path}/{name}")


def test_a_contact_is_found_by_email_and_its_page_opens(visitor, ann):
    page = visitor.open("/contacts")
    page.get_by_label("Find a contact").fill("Ann@Example.org")
    page.keyboard.press("Enter")
    found = page.get_by_role("region", name="Table: Contacts found")
    expect(found.locator("tbody tr")).to_have_count(1)
    found.get_by_role("link", name=ann).click()
    expect(page.locator("h1")).to_have_text("Contact")
    expect(page.get_by_text("ann@example.org")).to_be_visible()
    expect(
        page.get_by_role("region", name="Table: Devices").locator("tbody tr")
    ).to_have_count(1)


def test_a_contact_nobody_knows_is_said_to_be_unknown(visitor):
    page = visitor.open("/contacts")
    page.get_by_label("Find a contact").fill("nobody@example.org")
    page.get_by_role("button", name="Find").click()
    expect(page.get_by_text("No contact “nobody@example.org”")).to_be_visible()


def test_the_timeline_gathers_what_happened_during_a_visit(visitor, ann):
    page = visitor.open(f"/contacts/{ann}")
    visit = page.locator(".timeline > .visit")
    expect(visit).to_have_count(1)
    expect(visit).to_contain_text("40 min")
    expect(visit).to_contain_text("12:00:00")  # Rome's clock
    expect(visit.locator(".during li")).to_have_count(2)


def test_times_are_shown_in_utc_on_request(visitor, ann):
    page = visitor.open(f"/contacts/{ann}")
    page.get_by_label("Times").select_option("UTC")
    expect(page.locator(".timeline > .visit")).to_contain_text("10:00:00")


def test_all_data_of_a_contact_is_exported_as_one_file(visitor, ann, console):
    page = visitor.open(f"/contacts/{ann}")
    with page.expect_download() as download:
        page.get_by_role("button", name="Export all data").click()
    exported = json.loads(saved(download.value))
    assert exported["contact"]["email"] == "ann@example.org"
    assert len(exported["devices"]) == 1
    path = f"/v1/organizations/{console.tenant.id}/customers/{ann}/events"
    stored = console.tenant.client.get(path, params={"size": 100}).json()["events"]
    assert exported["events"] == stored


def test_an_erasure_wants_a_word_and_then_the_contact_is_gone(visitor, ann, console):
    page = visitor.open(f"/contacts/{ann}")
    page.get_by_role("button", name="Erase").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name="Erase for good").click()
    expect(dialog).to_be_visible()
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    path = f"/v1/organizations/{console.tenant.id}/customers/{ann}"
    assert console.tenant.client.get(path).status_code == 200
    page.get_by_role("button", name="Erase").press("Enter")
    page.get_by_label(re.compile("to confirm")).fill("erase")
    page.keyboard.press("Enter")
    expect(page.get_by_text("The contact is erased.")).to_be_visible()
    expect(page.locator("h1")).to_have_text("Contacts")
    assert console.tenant.client.get(path).status_code == 404


def test_contacts_of_the_newest_events_are_listed(visitor, console):
    page = visitor.open("/contacts")
    newest = console.tenant.read(size=1, sortBy="receivedTime", sortReverse="true")
    name = newest.json()["events"][0]["customerId"]
    expect(page.locator("tbody .id").first).to_have_text(name)
