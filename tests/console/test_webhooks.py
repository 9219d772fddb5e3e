"""Webhooks: added, pinged, what was delivered, sent again, disabled, deleted."""

import pytest
from playwright.sync_api import expect

from tests.conftest import event
from tests.receiver import Receiver


@pytest.fixture
def endpoint():
    receiver = Receiver()
    yield receiver
    receiver.close()


@pytest.fixture
def webhook(console, endpoint):
    """A webhook of one contact's kind of event, so that nothing else comes."""
    path = f"/v1/organizations/{console.tenant.id}/webhooks"
    wanted = {"url": endpoint.url, "events": ["promo"]}
    made = console.tenant.client.post(path, json=wanted)
    assert made.status_code == 201, made.text
    yield made.json()
    console.tenant.client.delete(f"{path}/{made.json()['id']}")


def deliver(console, endpoint):
    """Send an event and wait until the endpoint has it; return its id."""
    sent = event() | {"customerId": "ann"}
    sent["event"] |= {"type": "promo", "promo": {"type": "url"}}
    assert console.tenant.send(sent).status_code == 201
    endpoint.wait_for(1)
    return sent["event"]["id"]


def test_a_webhook_is_added_and_a_ping_reaches_it(visitor, endpoint):
    page = visitor.open("/webhooks")
    page.get_by_role("button", name="Add a webhook").first.press("Enter")
    page.get_by_label("Address").fill(endpoint.url)
    page.get_by_label("Survey answered").check()
    page.keyboard.press("Enter")
    expect(page.get_by_text("The webhook is added")).to_be_visible()
    secret = page.locator(".secrets code").inner_text()
    page.get_by_role("button", name="Done").click()
    expect(page.locator("h1")).to_have_text("Webhook")
    page.get_by_role("button", name="Send a ping").click()
    expect(page.get_by_text("Delivered. The endpoint answered 200")).to_be_visible()
    assert endpoint.wait_for(1)[0].verify(secret)["type"] == "ping"
    page.get_by_role("button", name="Delete").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(page.locator("h1")).to_have_text("Webhooks")


def test_an_address_that_is_not_allowed_is_refused_in_the_dialog(visitor):
    page = visitor.open("/webhooks")
    page.get_by_role("button", name="Add a webhook").first.click()
    page.get_by_label("Address").fill("http://10.0.0.1/hook")
    page.get_by_role("button", name="Add", exact=True).click()
    expect(page.get_by_role("dialog").get_by_role("alert")).to_contain_text("url")


def test_a_delivery_opens_to_its_answer_and_is_sent_again(
    visitor, console, endpoint, webhook
):
    endpoint.reply = lambda _: (200, {}, b"thanks a lot")
    name = deliver(console, endpoint)
    page = visitor.open(f"/webhooks/{webhook['id']}")
    row = page.get_by_role("row", name=name)
    while row.count() == 0:  # the log is written a moment after the answer
        page.get_by_role("button", name="Refresh").click()
        visitor.settle()
    row.get_by_role("button").press("Enter")
    expect(page.get_by_label("Answer of the endpoint")).to_have_text("thanks a lot")
    page.get_by_role("button", name="Send this event again").click()
    expect(page.get_by_text("The event is sent again now.")).to_be_visible()
    first, again = endpoint.wait_for(2)
    assert first.id == again.id


def test_deliveries_are_filtered_by_outcome(visitor, console, endpoint, webhook):
    endpoint.reply = lambda _: (500, {}, b"no")
    name = deliver(console, endpoint)
    page = visitor.open(f"/webhooks/{webhook['id']}")
    page.get_by_label("Outcome").select_option("delivered")
    expect(page.get_by_text("Nothing was tried")).to_be_visible()
    page.get_by_label("Outcome").select_option("failed")
    row = page.get_by_role("row", name=name)
    while row.count() == 0:
        page.get_by_role("button", name="Refresh").click()
        visitor.settle()
    expect(row.first).to_contain_text("500")


def test_a_webhook_is_disabled_and_enabled_again(visitor, webhook):
    page = visitor.open(f"/webhooks/{webhook['id']}")
    page.get_by_role("button", name="Disable").click()
    expect(page.get_by_text("disabled:")).to_be_visible()
    page.get_by_role("button", name="Enable").click()
    expect(page.get_by_text("enabled", exact=True)).to_be_visible()
