"""Every page without a violation of axe's rules: both schemes, wide and narrow."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from tests.console.conftest import NARROW, WIDE

PAGES = (
    "/sign-in",
    "",
    "/live",
    "/contacts",
    "/contacts/{contact}",
    "/venues",
    "/venues/{venue}",
    "/sources",
    "/sources/{source}",
    "/webhooks",
    "/webhooks/{webhook}",
    "/credentials",
)
COLOURS_ONLY = {"runOnly": ["color-contrast"], "resultTypes": ["violations"]}


class Ids(dict[str, str]):
    """What the paths are about, made when a path names it."""

    def __init__(self, console):
        super().__init__()
        self._tenant = console.tenant
        self["venue"] = console.venues[0].id

    def __missing__(self, kind: str) -> str:
        if kind == "contact":
            events = self._tenant.read(size=1).json()["events"]
            return str(events[0]["customerId"])
        value = {"source": {"kind": "mist"}, "webhook": {"url": "http://127.0.0.1:9"}}
        path = f"/v1/organizations/{self._tenant.id}/{kind}s"
        return str(self._tenant.client.post(path, json=value[kind]).json()["id"])


def check(visitor, what, **options):
    page = visitor.page
    found = Axe().run(page, **options)
    assert found.violations_count == 0, f"{what}: {found.generate_report()}"
    beyond = page.evaluate(
        "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    )
    assert beyond <= 0, f"{what} is {beyond} pixels wider than its window"


def check_both(visitor, what):
    check(visitor, what)
    # The same page in other colours: only they can be wrong now.
    visitor.page.emulate_media(color_scheme="dark")
    check(visitor, f"{what} in dark", options=COLOURS_ONLY)
    visitor.page.emulate_media(color_scheme="light")


@pytest.mark.parametrize("path", PAGES)
def test_every_page_is_accessible_in_both_schemes_and_narrow(visitors, console, path):
    visitor = visitors(WIDE)
    if path != "/sign-in":
        visitor.sign_in()
    page = visitor.open(path.format_map(Ids(console)))
    visitor.settle()
    check_both(visitor, path)
    page.set_viewport_size({"width": NARROW[0], "height": NARROW[1]})
    check(visitor, f"{path} at {NARROW[0]} pixels")


def test_an_open_row_and_the_filter_of_events_are_accessible(visitor):
    page = visitor.open("/live")
    page.locator("tbody tr").first.get_by_role("button").click()
    page.locator("summary", has_text="All types").click()
    check_both(visitor, "an open row and the filter")


@pytest.mark.parametrize(
    ("path", "name"), [("/venues", "Add a venue"), ("/credentials", "Make a service")]
)
def test_dialogs_are_accessible(visitor, path, name):
    page = visitor.open(path)
    page.get_by_role("button", name=name).first.click()
    expect(page.get_by_role("dialog")).to_be_visible()
    check_both(visitor, name)


def test_the_keyboard_skips_to_the_content_and_meets_no_trap(visitor):
    page = visitor.open("/credentials")
    visitor.settle()
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Make a service")).to_be_focused()
    page.reload()
    expect(page.locator("h1")).to_be_visible()
    visitor.settle()
    seen = []
    for _ in range(60):
        page.keyboard.press("Tab")
        at = page.evaluate("document.activeElement.outerHTML.slice(0, 200)")
        if at.startswith("<body"):
            return  # out of the page, at its end
        seen.append(at)
    pytest.fail(f"Tab does not leave the page: {seen[-5:]}")


def test_the_menu_of_a_narrow_window_opens_and_leads_on(visitors):
    visitor = visitors(NARROW).sign_in()
    page = visitor.open("/credentials")
    expect(page.get_by_role("link", name="Sources")).to_be_hidden()
    page.get_by_role("button", name="Menu").press("Enter")
    page.get_by_role("link", name="Sources").press("Enter")
    expect(page.locator("h1")).to_have_text("Sources")
    expect(page.get_by_role("link", name="Sources", exact=True)).to_be_hidden()


def test_the_colours_are_the_systems_until_somebody_chooses(visitors):
    visitor = visitors(WIDE, "dark").sign_in()
    page = visitor.open("/credentials")
    ink = "getComputedStyle(document.body).color"
    dark = page.evaluate(ink)
    page.get_by_label("Colours").select_option("Light")
    light = page.evaluate(ink)
    assert light != dark
    page.reload()
    expect(page.locator("h1")).to_be_visible()
    assert page.evaluate(ink) == light
