"""A server with a simulated chain of venues, and a browser that is signed in to it."""

import shutil
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from footfall import clock, service
from footfall.core.access import User
from footfall.core.instants import DAY
from footfall.flows.accounts import users
from footfall.flows.places import manage
from footfall.simulation import chain, history
from tests.conftest import Server, Tenant, start_server, stop_server

PASSWORD = "correct horse battery"
EVENTS, DAYS, SEED = 1_500, 15, 1
WIDE, NARROW = (1280, 900), (320, 700)
# The one without windows takes half the time.
CHROMIUM = shutil.which("chromium-headless-shell") or shutil.which("chromium")
WAIT_MS = 15_000
# Chromium says so of each answer that is an error; refusals are what some tests want.
REFUSED = "Failed to load resource: the server responded with a status of"

expect.set_options(timeout=WAIT_MS)


def today() -> date:
    return date(1970, 1, 1) + timedelta(days=clock.now() // DAY)


class Console:
    """A server, an organization with a chain of venues, and how to sign in."""

    def __init__(self, server: Server, tenant: Tenant, venues: list[chain.Venue]):
        self.server = server
        self.tenant = tenant
        self.venues = venues

    @property
    def address(self) -> str:
        return f"{self.server.address}/console"

    def user(self, *, password: str | None = PASSWORD, **more) -> tuple[User, str]:
        """Make a person; return the link that signs in, too."""
        store = self.tenant.store
        number = len(list(store.users.all(self.tenant.id)))
        person = users.Person(self.tenant.id, f"ann{number}@example.com", "Ann", **more)
        made = users.create_user(store, person, clock.now())
        if password is not None:
            users.set_password(store, made, password, clock.now())
        return made, users.make_link(store, made, clock.now())


class Visitor:
    """A page of a browser; it must ask nobody else, and log no error."""

    def __init__(self, page: Page, console: Console):
        self.page = page
        self.console = console
        self.strangers: list[str] = []
        self.errors: list[str] = []
        page.on("request", self._requested)
        page.on("console", self._said)
        page.on("pageerror", lambda error: self.errors.append(str(error)))

    def _requested(self, request) -> None:
        if not request.url.startswith((f"{self.console.server.address}/", "blob:")):
            self.strangers.append(request.url)

    def _said(self, message) -> None:
        expected = message.text.startswith(REFUSED)
        if message.type in ("error", "warning") and not expected:
            self.errors.append(message.text)

    def sign_in(self, **more) -> "Visitor":
        """Sign in with a link, past the page for it."""
        _, link = self.console.user(password=None, **more)
        answer = self.page.request.post(
            f"{self.console.address}/session",
            data={"link": link},
            headers={"Sec-Fetch-Site": "same-origin"},
        )
        assert answer.ok, answer.text()
        return self

    def open(self, path: str = "") -> Page:
        self.page.goto(f"{self.console.address}{path}")
        expect(self.page.locator("h1")).to_be_visible()
        return self.page

    def settle(self) -> None:
        """Wait until every part of the page has what it shows."""
        expect(self.page.locator("[aria-busy]")).to_have_count(0)


@pytest.fixture(scope="package")
def console(tmp_path_factory) -> Iterator[Console]:
    """The chain's days end today, so the overview has something to compare."""
    place = tmp_path_factory.mktemp("console") / "footfall.db"
    server = start_server(place, FOOTFALL_WEBHOOK_ALLOW="127.0.0.1/32")
    store = service.open_store(server.chosen)
    tenant = Tenant(server, store)
    tomorrow = today() + timedelta(days=1)
    history.simulate(
        store, tenant.id, EVENTS, SEED, DAYS, lambda _: None, until=tomorrow
    )
    venues = chain.venues(EVENTS, SEED, DAYS)
    register(tenant, venues)
    yield Console(server, tenant, venues)
    tenant.client.close()
    store.close()
    stop_server(server)


def register(tenant: Tenant, venues: list[chain.Venue]) -> None:
    for number, venue in enumerate(venues):
        place = {"id": venue.id, "name": venue.name, "timezone": venue.zone}
        where = {"lat": venue.lat, "lng": venue.lng}
        manage.create_location(tenant.store, tenant.id, place | where).result()
        hotspot = {
            "id": venue.hotspots[0],
            "name": f"{venue.name} bar",
            "venueId": venue.id,
            "macAddress": f"00:18:0a:00:00:{number:02x}",
        }
        manage.create_hotspot(tenant.store, tenant.id, hotspot, None).result()


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """Debian's chromium; of a package, as its loop may not outlive these tests."""
    if CHROMIUM is None:
        pytest.skip("no chromium here: apt-get install chromium-headless-shell")
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"]
        )
        yield launched
        launched.close()


@pytest.fixture
def visitors(browser: Browser, console: Console) -> Iterator[Callable[..., Visitor]]:
    """Makes visitors; at the end each has asked nobody else and logged no error."""
    made: list[Visitor] = []

    def make(size: tuple[int, int] = WIDE, scheme: str = "light") -> Visitor:
        context = browser.new_context(
            viewport={"width": size[0], "height": size[1]},
            color_scheme=scheme,  # type: ignore[arg-type]
            reduced_motion="reduce",
            permissions=["clipboard-read", "clipboard-write"],
        )
        context.set_default_timeout(WAIT_MS)
        made.append(Visitor(context.new_page(), console))
        return made[-1]

    yield make
    for visitor in made:
        visitor.page.context.close()
    assert [visitor.strangers for visitor in made if visitor.strangers] == []
    assert [visitor.errors for visitor in made if visitor.errors] == []


@pytest.fixture
def visitor(visitors) -> Visitor:
    """A visitor who is signed in as a manager."""
    signed_in: Visitor = visitors().sign_in()
    return signed_in


def saved(download) -> str:
    """Return the text of a file that the page gave."""
    return Path(download.path()).read_text("utf-8")
