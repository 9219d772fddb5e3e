"""Venues: list, map, hotspots, rules, and adding one."""

import csv
import io

import httpx2
from playwright.sync_api import expect

from tests.console.conftest import saved


def test_all_venues_are_listed_and_on_the_map(visitor, console):
    page = visitor.open("/venues")
    expect(page.locator("tbody tr")).to_have_count(len(console.venues))
    markers = page.get_by_role("group", name="Map of the venues").locator("a")
    expect(markers).to_have_count(len(console.venues))
    shown = [marker.get_attribute("aria-label") for marker in markers.all()]
    assert sorted(text.partition(":")[0] for text in shown) == sorted(
        venue.name for venue in console.venues
    )


def test_the_map_keeps_west_left_and_north_above(visitor):
    page = visitor.open("/venues")
    spots = {
        name: page.locator(f'a.marker[aria-label^="{name}"] circle').bounding_box()
        for name in ("Bleecker Street", "Borough", "Shibuya", "Circular Quay")
    }
    assert spots["Bleecker Street"]["x"] < spots["Borough"]["x"] < spots["Shibuya"]["x"]
    assert spots["Shibuya"]["y"] < spots["Circular Quay"]["y"]


def test_a_marker_leads_to_its_venue_by_keyboard(visitor):
    page = visitor.open("/venues")
    page.locator('a.marker[aria-label^="Borough"]').focus()
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_have_text("Borough")
    expect(page.locator("h1")).to_be_focused()
    expect(page.get_by_role("rowheader", name="Borough bar")).to_be_visible()


def test_a_venues_rules_are_changed_and_reset(visitor, console):
    venue = console.venues[0]
    page = visitor.open(f"/venues/{venue.id}")
    rules = page.get_by_role("region", name="Rules of presence here")
    expect(rules).to_contain_text("visit5 minutes as everywhere")
    rules.get_by_role("button", name="Change the rules").click()
    page.get_by_label("Minimum stay of a visit (minutes)").fill("10")
    page.get_by_role("button", name="Save").click()
    expect(rules).to_contain_text("10 minutes set here")
    path = f"/v1/locations/{venue.id}/presence"
    assert console.tenant.client.get(path).json()["minimumDwell"] == 10
    rules.get_by_role("button", name="Change the rules").click()
    page.get_by_label("Minimum stay of a visit (minutes)").fill("")
    page.get_by_role("button", name="Save").click()
    expect(rules).to_contain_text("visit5 minutes as everywhere")
    assert console.tenant.client.get(path).json()["setHere"] == []


def test_a_rule_that_is_not_allowed_is_not_sent(visitor, console):
    page = visitor.open(f"/venues/{console.venues[0].id}")
    page.get_by_role("button", name="Change the rules").click()
    page.get_by_label("Minimum stay of a visit (minutes)").fill("99")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("dialog")).to_be_visible()


def test_a_venue_and_a_hotspot_are_added_and_wrong_values_are_explained(
    visitor, console
):
    page = visitor.open("/venues")
    page.get_by_role("button", name="Add a venue").click()
    page.get_by_label("Name").fill("Harbour")
    page.get_by_label("Time zone").fill("Europe/Nowhere")
    page.get_by_role("button", name="Add", exact=True).click()
    expect(page.get_by_role("dialog").get_by_role("alert")).to_contain_text("timezone")
    page.get_by_label("Time zone").fill("Europe/Rome")
    page.get_by_role("button", name="Add", exact=True).click()
    expect(page.locator("h1")).to_have_text("Harbour")
    page.get_by_role("button", name="Add a hotspot").click()
    page.get_by_label("Name").fill("Bar")
    page.get_by_label("MAC address").fill("00-18-0A-AA-BB-01")
    page.get_by_role("button", name="Add", exact=True).click()
    expect(page.get_by_text("00:18:0a:aa:bb:01")).to_be_visible()
    page.get_by_role("button", name="Remove Bar").click()
    page.get_by_role("button", name="Remove", exact=True).click()
    expect(page.get_by_text("No hotspots yet")).to_be_visible()
    venue = page.url.rpartition("/")[2]
    removed = console.tenant.client.delete(f"/v1/locations/{venue}")
    assert removed.status_code == 204


def test_a_venue_that_is_heard_says_so(visitor, console):
    tenant, venue = console.tenant, console.venues[1]
    seen = {"device": "00:18:0a:99:99:99", "hotspot": venue.hotspots[0]}
    path = f"/v1/organizations/{tenant.id}/logins"
    answer: httpx2.Response = tenant.client.post(
        path, json=seen | {"email": "heard@example.org"}
    )
    assert answer.status_code == 201, answer.text
    page = visitor.open(f"/venues/{venue.id}")
    row = page.get_by_role("row", name=venue.name)
    expect(row).to_contain_text("just now")


def test_the_list_is_sorted_by_a_column_and_exported_so(visitor, console):
    page = visitor.open("/venues")
    page.get_by_role("button", name="Time zone").click()
    page.get_by_role("button", name="Time zone").press("Enter")
    header = page.get_by_role("columnheader", name="Time zone")
    expect(header).to_have_attribute("aria-sort", "descending")
    expect(page.get_by_role("button", name="Time zone")).to_be_focused()
    with page.expect_download() as download:
        page.get_by_role("button", name="Export Venues as CSV").click()
    rows = list(csv.DictReader(io.StringIO(saved(download.value))))
    zones = [venue.zone for venue in console.venues]
    assert [row["Time zone"] for row in rows] == sorted(zones, reverse=True)
