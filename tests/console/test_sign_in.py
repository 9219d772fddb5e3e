"""People sign in and out; nobody else sees anything."""

import re

from playwright.sync_api import expect

from footfall.core.access import Role
from tests.console.conftest import PASSWORD


def fill_in(page, email, password=PASSWORD):
    page.get_by_label("Email").fill(email)
    page.get_by_label("Password", exact=True).fill(password)


def test_a_stranger_is_led_to_the_sign_in_page_and_from_it_to_where_they_went(
    visitors, console
):
    page = visitors().open("/live")
    expect(page).to_have_url(re.compile(r"/console/sign-in\?then="))
    user, _ = console.user()
    fill_in(page, user.email)
    page.get_by_role("button", name="Sign in").click()
    expect(page.locator("h1")).to_have_text("Live events")
    assert page.url == f"{console.address}/live"


def test_sign_in_works_by_keyboard_alone(visitors, console):
    page = visitors().open("/sign-in")
    user, _ = console.user()
    page.get_by_label("Email").focus()
    page.keyboard.type(user.email)
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_have_text("Overview")


def test_a_wrong_password_is_refused_in_words_and_forgotten(visitors, console):
    page = visitors().open("/sign-in")
    user, _ = console.user()
    fill_in(page, user.email, "some other password")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_contain_text("wrong")
    expect(page.get_by_label("Password", exact=True)).to_have_value("")
    fill_in(page, user.email)
    page.get_by_role("button", name="Sign in").click()
    expect(page.locator("h1")).to_have_text("Overview")


def test_a_link_signs_in_once_and_leaves_the_address_bar(visitors, console):
    _, link = console.user()
    page = visitors().page
    page.goto(f"{console.address}/sign-in#{link}")
    expect(page.locator("h1")).to_have_text("Overview")
    assert link not in page.url
    other = visitors().page
    other.goto(f"{console.address}/sign-in#{link}")
    expect(other.get_by_role("alert")).to_be_visible()
    assert link not in other.url


def test_an_address_of_another_site_is_no_way_on_from_the_sign_in_page(
    visitors, console
):
    page = visitors().open("/sign-in?then=//example.org/console")
    user, _ = console.user()
    fill_in(page, user.email)
    page.get_by_role("button", name="Sign in").click()
    expect(page.locator("h1")).to_have_text("Overview")
    assert page.url == console.address


def test_signing_out_ends_the_session_for_all_pages(visitors, console):
    visitor = visitors().sign_in()
    page = visitor.open("/credentials")
    page.get_by_role("button", name="Sign out").click()
    expect(page.locator("h1")).to_have_text("Sign in to footfall")
    visitor.open("/credentials")
    expect(page.locator("h1")).to_have_text("Sign in to footfall")


def test_a_session_that_ended_elsewhere_leads_to_the_sign_in_page(visitors, console):
    visitor = visitors()
    user, _ = console.user()
    page = visitor.open("/credentials")
    fill_in(page, user.email)
    page.get_by_role("button", name="Sign in").click()
    expect(page.locator("h1")).to_have_text("Credentials")
    visitor.settle()
    console.tenant.store.users.revoke(user.id, user.created_at + 1).result()
    page.get_by_role("link", name="Sources").click()
    expect(page.locator("h1")).to_have_text("Sign in to footfall")


def test_a_password_is_changed_and_holds_from_then_on(visitors, console):
    visitor = visitors()
    user, link = console.user()
    page = visitor.page
    page.goto(f"{console.address}/sign-in#{link}")
    page.get_by_role("button", name="Password").click()
    page.get_by_label("Password until now").fill(PASSWORD)
    page.get_by_label("New password").fill("another good one")
    page.get_by_role("button", name="Change").click()
    expect(page.get_by_text("Your password is changed.")).to_be_visible()
    page.get_by_role("link", name="Credentials").click()
    expect(page.get_by_role("table")).to_be_visible()
    page.get_by_role("button", name="Sign out").click()
    fill_in(page, user.email, "another good one")
    page.get_by_role("button", name="Sign in").click()
    expect(page.locator("h1")).to_have_text("Credentials")


def test_a_location_manager_is_offered_only_what_it_may_read(visitors, console):
    place = console.venues[0]
    visitor = visitors().sign_in(
        role=Role.LOCATION_MANAGER, locations=(place.id,), scopes=("location_read",)
    )
    page = visitor.open("/venues")
    expect(page.get_by_role("navigation").get_by_role("link")).to_have_text(["Venues"])
    expect(page.locator("tbody tr")).to_have_count(1)


def test_no_token_is_kept_where_a_script_of_later_could_read_it(visitor):
    page = visitor.open("/credentials")
    visitor.settle()
    kept = page.evaluate("JSON.stringify([{...localStorage}, {...sessionStorage}])")
    assert "eyJ" not in kept
    assert page.evaluate("document.cookie") == ""


def test_a_token_is_renewed_before_it_ends(visitors):
    visitor = visitors()
    page = visitor.page
    page.clock.install()
    visitor.sign_in()
    renewals = []
    page.on(
        "request",
        lambda request: (
            renewals.append(request) if request.url.endswith("/session/token") else None
        ),
    )
    visitor.open("/credentials")
    visitor.settle()
    assert len(renewals) == 1
    page.clock.fast_forward("13:00")
    page.get_by_role("link", name="Sources").click()
    visitor.settle()
    assert len(renewals) == 1
    page.clock.fast_forward("02:00")
    with page.expect_request("**/session/token"):
        page.get_by_role("link", name="Credentials").click()
