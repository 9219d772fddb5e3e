"""Credentials: made, used, revoked."""

import re

import httpx2
from playwright.sync_api import expect


def log_in(console, key, secret):
    path = f"{console.server.address}/v1/sts/login/services"
    return httpx2.post(path, json={"clientKey": key, "clientSecret": secret})


def test_a_service_is_made_logs_in_and_is_revoked(visitor, console):
    page = visitor.open("/credentials")
    page.get_by_role("button", name="Make a service").press("Enter")
    page.get_by_label("events_read").check()
    page.get_by_role("button", name="Make", exact=True).click()
    expect(page.get_by_text("The service is made")).to_be_visible()
    key, secret = page.locator(".secrets code").all_inner_texts()
    assert log_in(console, key, secret).status_code == 200
    page.get_by_role("button", name="Done").press("Enter")
    row = page.get_by_role("row", name=re.compile(key))
    expect(row).to_contain_text("events_read")
    row.get_by_role("button", name=f"Revoke {key}").click()
    page.get_by_role("dialog").get_by_role("button", name="Revoke").click()
    expect(row).to_contain_text("revoked")
    assert log_in(console, key, secret).status_code == 401
    assert secret not in page.content()


def test_a_service_without_scopes_is_refused_in_the_dialog(visitor):
    page = visitor.open("/credentials")
    page.get_by_role("button", name="Make a service").click()
    page.get_by_role("button", name="Make", exact=True).click()
    expect(page.get_by_role("dialog").get_by_role("alert")).to_contain_text("scope")


def test_nobody_is_offered_more_than_they_hold(visitors, console):
    visitor = visitors().sign_in(scopes=("services_read", "services_write"))
    page = visitor.open("/credentials")
    page.get_by_role("button", name="Make a service").click()
    offered = page.locator('input[name="scopes"]')
    expect(offered).to_have_count(2)
