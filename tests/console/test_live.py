"""Live events arrive, wait, are filtered, and open."""

import csv
import io
import json
import shlex

import pytest
from playwright.sync_api import expect

from footfall import clock, service
from footfall.flows.events import import_file
from tests.conftest import Tenant, event, start_server, stop_server
from tests.console.conftest import Console, Visitor, saved


@pytest.fixture
def page(visitor):
    opened = visitor.open("/live")
    expect(opened.get_by_text("Live", exact=True)).to_be_visible()
    expect(opened.locator("tbody tr").first).to_be_visible()
    return opened


def first_row(page):
    return page.locator("tbody tr").first


def send(console, customer, **more):
    sent = event(**more) | {"customerId": customer}
    assert console.tenant.send(sent).status_code == 201
    return sent


def test_an_event_appears_as_it_is_stored(page, console):
    send(console, "just-now")
    expect(first_row(page)).to_contain_text("just-now")


def test_what_came_before_is_there_newest_first_without_repeats(page, console):
    rows = page.locator("tbody tr:not(.detail)")
    expect(rows).to_have_count(50)
    newest = console.tenant.read(
        size=50, sortBy="receivedTime", sortReverse="true"
    ).json()["events"]
    shown = page.locator("tbody .id").all_inner_texts()
    assert shown == [one["customerId"] for one in newest]


def test_a_pause_counts_what_arrives_and_shows_it_on_request(page, console):
    page.get_by_role("button", name="Pause").click()
    before = first_row(page).inner_text()
    send(console, "waited-1")
    send(console, "waited-2")
    news = page.get_by_role("button", name="2 new events: show")
    expect(news).to_be_visible()
    assert first_row(page).inner_text() == before
    news.click()
    expect(first_row(page)).to_contain_text("waited-2")
    page.get_by_role("button", name="Go on").click()
    send(console, "after-pause")
    expect(first_row(page)).to_contain_text("after-pause")


def test_a_filter_of_types_and_of_a_contact_holds_for_old_and_new(page, console):
    page.locator("summary", has_text="All types").click()
    page.get_by_label("Visit", exact=True).check()
    expect(page.locator("summary", has_text="1 type")).to_be_visible()
    expect(page.locator("tbody .type").first).to_have_text("Visit")
    assert set(page.locator("tbody .type").all_inner_texts()) == {"Visit"}
    page.get_by_label("Visit", exact=True).uncheck()
    page.keyboard.press("Escape")
    expect(page.get_by_label("Visit", exact=True)).to_be_hidden()
    page.get_by_label("Contact's id").fill("somebody")
    page.get_by_label("Contact's id").press("Enter")
    expect(page.get_by_text("Waiting for events")).to_be_visible()
    expect(page.get_by_text("Live", exact=True)).to_be_visible()
    send(console, "nobody")
    send(console, "somebody")
    expect(first_row(page)).to_contain_text("somebody")
    expect(page.locator("tbody tr:not(.detail)")).to_have_count(1)
    assert "customerId=somebody" in page.url


def test_a_row_opens_to_its_json_by_keyboard_and_closes(page, console):
    sent = send(console, "opened")
    expect(first_row(page)).to_contain_text("opened")
    button = first_row(page).get_by_role("button")
    button.focus()
    page.keyboard.press("Enter")
    expect(button).to_have_attribute("aria-expanded", "true")
    shown = page.get_by_label("The event as JSON").inner_text()
    stored = console.tenant.read(size=10_000).json()["events"]
    (same,) = [one for one in stored if one["event"]["id"] == sent["event"]["id"]]
    assert json.loads(shown) == same
    page.keyboard.press("Enter")
    expect(page.get_by_label("The event as JSON")).to_be_hidden()


def test_an_open_row_stays_where_it_is_while_events_arrive(page, console):
    first_row(page).get_by_role("button").click()
    send(console, "later")
    expect(page.get_by_role("button", name="1 new event: show")).to_be_visible()


def test_copy_as_curl_gives_a_command_that_gets_the_event(page, console):
    send(console, "it's ann", event_id="e" * 32 + "l")
    expect(first_row(page)).to_contain_text("it's ann")
    first_row(page).get_by_role("button").click()
    page.get_by_role("button", name="Copy as curl").last.click()
    expect(page.get_by_text("The command copied.")).to_be_visible()
    command = page.evaluate("navigator.clipboard.readText()")
    words = shlex.split(command)
    assert words[:2] == ["curl", "-s"]
    assert words[3] == "Authorization: Bearer $TOKEN"
    found = console.tenant.client.get(words[4]).json()["events"]
    assert [one["event"]["id"] for one in found] == ["e" * 32 + "l"]


def test_the_table_is_exported_as_it_is_shown(page):
    with page.expect_download() as download:
        page.get_by_role("button", name="Export events as CSV").click()
    rows = list(csv.DictReader(io.StringIO(saved(download.value))))
    assert [row["Contact"] for row in rows] == page.locator(
        "tbody .id"
    ).all_inner_texts()


@pytest.fixture
def own_console(tmp_path):
    """A console of a server that the test may stop."""
    server = start_server(tmp_path / "footfall.db")
    store = service.open_store(server.chosen)
    tenant = Tenant(server, store)
    made = Console(server, tenant, [])
    yield made
    tenant.client.close()
    store.close()
    stop_server(made.server)


@pytest.mark.long
def test_the_stream_goes_on_after_a_restart_without_a_gap(browser, own_console):
    page = browser.new_page()
    visitor = Visitor(page, own_console).sign_in()
    visitor.open("/live")
    expect(page.get_by_text("Live", exact=True)).to_be_visible()
    send(own_console, "before")
    expect(first_row(page)).to_contain_text("before")
    stop_server(own_console.server)
    expect(page.get_by_text("Connecting again")).to_be_visible()
    append(own_console, "meanwhile")
    port = own_console.server.address.rpartition(":")[2]
    place = own_console.server.folder / "footfall.db"
    own_console.server = start_server(place, port=port)
    expect(first_row(page)).to_contain_text("meanwhile")
    send(own_console, "after")
    expect(first_row(page)).to_contain_text("after")
    names = page.locator("tbody .id").all_inner_texts()
    assert names == ["after", "meanwhile", "before"]
    page.close()


def append(console, customer):
    """Store an event while no server runs."""
    path = console.server.folder / "event.json"
    path.write_text(json.dumps(event() | {"customerId": customer}))
    tenant = console.tenant
    import_file.import_file(tenant.store, tenant.id, path, clock.now(), lambda *_: None)


def test_what_an_event_says_is_never_read_as_html(page, console):
    hostile = "<img src=x onerror=alert(1)>"
    send(console, "hostile", where={"locationName": hostile})
    expect(first_row(page)).to_contain_text(hostile)
    assert page.locator("tbody img").count() == 0
