"""Every page without a violation of axe's rules: both schemes, wide and narrow."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from tests.console.conftest import NARROW, WIDE

PAGES = ("", "/live", "/contacts", "/venues", "/sources", "/webhooks", "/credentials")
LOOKS = [(size, scheme) for size in (WIDE, NARROW) for scheme in ("light", "dark")]


def check(visitor, what):
    page = visitor.page
    found = Axe().run(page)
    assert found.violations_count == 0, f"{what}: {found.generate_report()}"
    beyond = page.evaluate(
        "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    )
    assert beyond <= 0, f"{what} is {beyond} pixels wider than its window"


@pytest.mark.parametrize(("size", "scheme"), LOOKS)
def test_every_page_is_accessible(visitors, console, size, scheme):
    visitor = visitors(size, scheme)
    visitor.open("/sign-in")
    check(visitor, "/sign-in")
    visitor.sign_in()
    newest = console.tenant.read(size=1).json()["events"][0]["customerId"]
    detail = (f"/contacts/{newest}", f"/venues/{console.venues[0].id}")
    for path in (*PAGES, *detail):
        visitor.open(path)
        visitor.settle()
        check(visitor, path)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_dialogs_open_rows_and_charts_in_use_are_accessible(visitors, scheme):
    visitor = visitors(WIDE, scheme).sign_in()
    page = visitor.open("/live")
    page.locator("tbody tr").first.get_by_role("button").click()
    check(visitor, "an open row")
    page.locator("summary", has_text="All types").click()
    check(visitor, "the filter")
    for path, name in (("/venues", "Add a venue"), ("/credentials", "Make a service")):
        visitor.open(path)
        page.get_by_role("button", name=name).first.click()
        expect(page.get_by_role("dialog")).to_be_visible()
        check(visitor, name)


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
