"""People sign in at a directory, which for a browser is another site."""

from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Page, expect

from footfall import clock, service
from footfall.flows.accounts import users
from tests.conftest import Tenant, stop_server
from tests.provider import Provider, start_server_with

EMAIL = "ann@example.com"


@pytest.fixture
def provider() -> Iterator[Provider]:
    made = Provider()
    made.asks = True
    made.person = {"email": EMAIL, "email_verified": True}
    yield made
    made.close()


@pytest.fixture
def address(provider, tmp_path) -> Iterator[str]:
    """The console of a server with a user of the directory in two organizations."""
    server = start_server_with(provider, tmp_path / "footfall.db")
    store = service.open_store(server.chosen)
    for _ in range(2):
        tenant = Tenant(server, store)
        users.create_user(store, users.Person(tenant.id, EMAIL), clock.now())
        tenant.client.close()
    yield f"{server.address}/console"
    store.close()
    stop_server(server)


@pytest.fixture
def page(browser) -> Iterator[Page]:
    """A page that logs no error, as a policy that is broken would be."""
    context = browser.new_context()
    made, said = context.new_page(), list[str]()
    made.on("console", lambda message: said.append(message.text))
    yield made
    context.close()
    assert [text for text in said if "Failed to load resource" not in text] == []


def test_a_person_signs_in_at_the_directory_and_chooses_an_organization(
    page, address, provider
):
    page.goto(f"{address}/live")
    page.get_by_role("link", name="Sign in with Example Ltd").click()
    expect(page.locator("h1")).to_have_text("Directory")
    assert page.url.startswith(provider.issuer)
    page.get_by_role("link", name="Yes").click()
    expect(page.get_by_role("alert")).to_contain_text("several organizations")
    [_, chosen] = parse_qs(urlsplit(page.url).query)["organization"]
    page.get_by_role("link", name=f"Sign in to {chosen}").click()
    page.get_by_role("link", name="Yes").click()
    expect(page.locator("h1")).to_have_text("Live events")
    assert page.url == f"{address}/live"
    told = page.request.get(f"{address}/session").json()
    assert told["organization"]["id"] == chosen


def test_who_is_refused_reads_why(page, address, provider):
    provider.person = {"email": EMAIL}
    page.goto(address)
    page.get_by_role("link", name="Sign in with Example Ltd").click()
    page.get_by_role("link", name="Yes").click()
    expect(page.get_by_role("alert")).to_contain_text("e-mail address is verified")
    expect(page.get_by_label("Password", exact=True)).to_be_visible()
