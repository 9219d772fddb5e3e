"""The overview: figures of today, charts that are read by pointer and keyboard."""

import csv
import io
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import expect

from footfall import clock
from footfall.core.instants import SECOND
from tests.console.conftest import saved


@pytest.fixture(autouse=True)
def counted(console):
    """Every figure is of the whole log: its reader comes a moment after the commit."""
    tenant = console.tenant
    path = f"/v1/organizations/{tenant.id}/analytics/timeseries"
    newest = tenant.store.newest_arrivals([tenant.id])[tenant.id]
    deadline = clock.now() + 20 * SECOND
    while int(tenant.client.get(path).headers["Footfall-As-Of"]) < newest:
        assert clock.now() < deadline


@pytest.fixture
def page(visitor):
    opened = visitor.open()
    visitor.settle()
    return opened


def by_day(page):
    return page.get_by_role("slider", name="Visits by day")


def local_today(zone):
    return datetime.fromtimestamp(clock.now() / 1_000_000, ZoneInfo(zone)).date()


def visits(console):
    """The visits of the chain, as the log has them."""
    return console.tenant.read(events="visit", size=10_000).json()["events"]


def test_today_stands_beside_the_same_day_last_week(page):
    tiles = page.get_by_role("region", name="Today").locator(".tile")
    expect(tiles).to_have_count(4)
    expect(tiles.first).to_contain_text("Visits today")
    expect(tiles.first).to_contain_text("on all of")
    expect(page.get_by_text("a week before.")).to_be_visible()


def test_the_days_of_the_chart_add_up_to_the_visits(page, console):
    chart = page.get_by_role("region", name="By day")
    chart.get_by_text("Values as a table").click()
    with page.expect_download() as download:
        chart.get_by_role("button", name="Export Visits by day as CSV").click()
    rows = list(csv.DictReader(io.StringIO(saved(download.value))))
    assert len(rows) == 28
    days = [one["when"]["createdAtLocal"][:10] for one in visits(console)]
    last = max(str(local_today(venue.zone)) for venue in console.venues)
    counted = sum(int(row["Visits"]) for row in rows)
    assert counted == sum(day <= last for day in days)


def test_arrow_keys_read_a_chart_and_say_each_value(page):
    chart = by_day(page)
    chart.focus()
    page.keyboard.press("Home")
    first = chart.get_attribute("aria-valuetext")
    assert first.partition(", ")[2].startswith("Visits: ")
    page.keyboard.press("ArrowRight")
    assert chart.get_attribute("aria-valuenow") == "1"
    assert chart.get_attribute("aria-valuetext") != first
    expect(chart.locator(".tip")).to_be_visible()
    page.keyboard.press("Escape")
    expect(chart.locator(".tip")).to_be_hidden()


def test_the_pointer_reads_a_chart(page):
    chart = by_day(page)
    box = chart.bounding_box()
    chart.hover(position={"x": box["width"] / 2, "y": box["height"] / 2})
    expect(chart.locator(".tip")).to_contain_text("Visits: ")


def test_the_hours_of_the_week_have_168_values_and_a_table(page):
    week = page.get_by_role("slider", name="Visits by hour of the week")
    assert week.get_attribute("aria-valuemax") == "167"
    week.focus()
    page.keyboard.press("Home")
    page.keyboard.press("ArrowDown")
    expect(week).to_have_attribute("aria-valuenow", "24")
    assert week.get_attribute("aria-valuetext").startswith("Tuesday 00:00")


def test_venues_are_ranked_and_lead_to_their_pages(page, console):
    ranked = page.get_by_role("region", name="Table: Visits by venue")
    shown = ranked.locator("tbody td.number").all_inner_texts()
    counts = [int(text.replace(",", "")) for text in shown]
    assert counts == sorted(counts, reverse=True)
    ranked.get_by_role("link").first.click()
    expect(page.get_by_text("About")).to_be_visible()


def test_another_venue_and_other_days_are_kept_in_the_address(page, visitor, console):
    venue = console.venues[4]
    controls = page.locator(".controls")
    controls.get_by_label("Venue").select_option(venue.name)
    controls.get_by_label("Days").select_option("Last 7 days")
    visitor.settle()
    assert page.url.endswith(f"?venue={venue.id}&days=7")
    expect(page.get_by_text("Days and hours: Europe/Rome")).to_be_visible()
    expect(by_day(page)).to_have_attribute("aria-valuemax", "6")
    page.reload()
    expect(controls.get_by_label("Venue")).to_have_value(venue.id)


def test_another_metric_is_drawn_by_the_keyboard_alone(page, visitor):
    metric = page.get_by_label("Metric")
    metric.focus()
    page.keyboard.press("ArrowDown")
    expect(page.get_by_role("slider", name="Visitors by day")).to_be_visible()
    expect(metric).to_be_focused()


def test_empty_days_lead_to_the_newest_visits(visitor, console):
    page = visitor.open("?from=2020-01-01&to=2020-01-28")
    expect(page.get_by_text("No visits in these days")).to_be_visible()
    page.get_by_role("button", name="Show the four weeks until then").click()
    visitor.settle()
    expect(page.get_by_text("No visits in these days")).to_be_hidden()
    assert int(by_day(page).get_attribute("aria-valuemax")) >= 27
