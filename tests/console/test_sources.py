"""Sources: added, heard, tried, their problems read, deleted."""

import json
import re

import httpx2
import pytest
from playwright.sync_api import expect

from footfall import clock
from footfall.sources import mist


@pytest.fixture
def source(console):
    """A Mist source."""
    tenant = console.tenant
    path = f"/v1/organizations/{tenant.id}/sources"
    made = tenant.client.post(path, json={"kind": "mist", "name": "Harbour"}).json()
    yield made
    tenant.client.delete(f"{path}/{made['id']}")


def post(console, source, **event):
    body = json.dumps({"topic": "location-client", "events": [event]}).encode()
    headers = {mist.SIGNATURE: mist.sign(source["secret"], body)}
    url = console.server.address + source["path"]
    assert httpx2.post(url, content=body, headers=headers).status_code == 204


def heard(console, **more):
    mac = "00:18:0a:00:00:00".replace(":", "")
    when = clock.now() // 1_000_000
    return {"mac": "001122334455", "ap": mac, "timestamp": when, "rssi": -60} | more


def test_a_source_is_added_by_keyboard_and_receives_with_the_secret_shown(
    visitor, console
):
    page = visitor.open("/sources")
    page.get_by_role("button", name="Add a source").first.press("Enter")
    page.get_by_label("Equipment").select_option("mist")
    page.get_by_label("Name").fill("Terrace")
    page.keyboard.press("Enter")
    expect(page.get_by_text("The source is added")).to_be_visible()
    address, secret = page.get_by_role("dialog").locator("code").all_inner_texts()
    page.get_by_role("button", name="Done").click()
    expect(page.locator("h1")).to_have_text("Terrace")
    expect(page.get_by_text("Nothing was heard yet")).to_be_visible()
    path = address.removeprefix(console.server.address)
    post(console, {"path": path, "secret": secret}, **heard(console))
    page.reload()
    expect(page.get_by_text("receiving")).to_be_visible()
    page.get_by_role("button", name="Delete").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(page.locator("h1")).to_have_text("Sources")


def test_problems_are_shown_in_the_senders_words_masked(visitor, console, source):
    post(console, source, **heard(console, mac="ann@example.com"))
    page = visitor.open("/sources")
    row = page.get_by_role("row", name="Harbour")
    row.get_by_role("link", name="1 problem").click()
    problems = page.get_by_role("region", name="Table: Problems")
    expect(problems).to_contain_text("mac")
    expect(problems).not_to_contain_text("ann@example.com")


def test_a_test_says_what_would_be_understood(visitor, source):
    page = visitor.open(f"/sources/{source['id']}")
    sample = page.get_by_label("A post of this source")
    expect(sample).to_have_value(re.compile("location-client"))
    page.get_by_role("button", name="Send the test").click()
    expect(page.get_by_text("1 observation, 0 logins")).to_be_visible()
    expect(page.get_by_role("region", name="Table: Understood")).to_contain_text(
        "-61 dBm"
    )


def test_a_test_of_nonsense_says_why_it_is_refused(visitor, source):
    page = visitor.open(f"/sources/{source['id']}")
    page.get_by_label("A post of this source").fill("{nonsense")
    page.get_by_role("button", name="Send the test").click()
    expect(page.get_by_text("not understood", exact=True)).to_be_visible()
    expect(page.get_by_text("1 rejected item")).to_be_visible()
