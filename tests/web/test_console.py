"""The console's own routes: its files, and people who sign in."""

import asyncio
import contextlib
import secrets

import httpx2
import pytest

from footfall import clock
from footfall.core.access import Role
from footfall.core.instants import DAY, HOUR, MINUTE
from footfall.errors import CredentialsWrong
from footfall.flows.accounts import tenants, users
from footfall.server import make_context
from footfall.web import app
from tests.shared import open_sqlite

PASSWORD = "correct horse battery"
SAME = {"Sec-Fetch-Site": "same-origin"}


@pytest.fixture
def user(tenant):
    person = users.Person(tenant.id, f"ann@{tenant.id[:8]}.example", "Ann")
    made = users.create_user(tenant.store, person, clock.now())
    users.set_password(tenant.store, made, PASSWORD, clock.now())
    return made


@pytest.fixture
def browser(tenant):
    # From an address of its own: failed attempts are counted by address, too.
    address = f"127.1.{secrets.randbelow(256)}.{secrets.randbelow(254) + 1}"
    with httpx2.Client(
        base_url=tenant.server.address,
        headers=SAME,
        timeout=30,
        transport=httpx2.HTTPTransport(local_address=address),
    ) as client:
        yield client


def sign_in(browser, user, password=PASSWORD, **more):
    attempt = {"email": user.email, "password": password}
    return browser.post("/console/session", json=attempt, **more)


def api_token(browser):
    answer = browser.post("/console/session/token")
    assert answer.status_code == 200, answer.text
    return answer.json()["accessToken"]


def read_events(browser, tenant, token):
    headers = {"Authorization": f"Bearer {token}"}
    return browser.get(tenant.events_path, headers=headers).status_code


def test_a_person_signs_in_and_reads_the_api(browser, user, tenant):
    answer = sign_in(browser, user)
    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert told["user"]["email"] == user.email
    assert told["organization"] == {"id": tenant.id, "name": "Test"}
    assert browser.get("/console/session").json() == told
    assert read_events(browser, tenant, api_token(browser)) == 200


def test_a_token_of_a_person_is_for_its_organization_alone(
    browser, user, tenant, other_tenant
):
    sign_in(browser, user)
    assert read_events(browser, other_tenant, api_token(browser)) == 403


def test_the_cookie_is_kept_from_scripts_and_other_sites(browser, user):
    cookie = sign_in(browser, user).headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    assert "secure" not in cookie
    headers = {"X-Forwarded-Proto": "https"}
    behind_tls = sign_in(browser, user, headers=headers).headers["set-cookie"]
    assert behind_tls.startswith("__Host-footfall=")
    assert "secure" in behind_tls.lower()


def test_the_api_takes_no_cookie(browser, user, tenant):
    sign_in(browser, user)
    assert browser.get(tenant.events_path).status_code == 401


def test_a_wrong_password_and_an_unknown_person_get_the_same_answer(browser, user):
    wrong = sign_in(browser, user, "not this one").json()
    attempt = {"email": "nobody@example.com", "password": PASSWORD}
    unknown = browser.post("/console/session", json=attempt).json()
    assert wrong["status"] == 401
    for one in (wrong, unknown):
        one.pop("requestId")
    assert wrong == unknown
    assert browser.get("/console/session").status_code == 401


def test_an_e_mail_signs_in_however_it_is_spelt(browser, user):
    name, _, domain = user.email.partition("@")
    spelt = f"  {name.upper()}@{domain.title()} "
    attempt = {"email": spelt, "password": PASSWORD}
    answer = browser.post("/console/session", json=attempt)
    assert answer.json()["user"]["email"] == user.email


def test_failed_attempts_are_limited(browser, user):
    answers = [sign_in(browser, user, "wrong").status_code for _ in range(20)]
    assert set(answers) == {401}
    # On a slow machine some may be tried again meanwhile.
    while answers[-1] == 401 and len(answers) < 100:
        answers.append(sign_in(browser, user, "wrong").status_code)
    assert answers[-1] == 429


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "https://evil.example"},
    ],
)
def test_another_site_cannot_use_the_cookie(browser, user, headers):
    sign_in(browser, user)
    if "Origin" in headers:
        del browser.headers["Sec-Fetch-Site"]
    for method, path in (
        ("POST", "/console/session"),
        ("POST", "/console/session/token"),
        ("POST", "/console/session/password"),
        ("DELETE", "/console/session"),
    ):
        answer = browser.request(method, path, headers=headers, json={})
        assert answer.status_code == 403, path
        assert answer.json()["type"].endswith(":cross-site")


def test_signing_out_ends_the_session_and_its_tokens(browser, user, tenant):
    sign_in(browser, user)
    token = api_token(browser)
    assert browser.delete("/console/session").status_code == 204
    assert browser.get("/console/session").status_code == 401
    assert read_events(browser, tenant, token) == 403


def test_revoking_a_person_ends_its_session_and_tokens_at_once(browser, user, tenant):
    sign_in(browser, user)
    token = api_token(browser)
    tenant.store.users.revoke(user.id, clock.now()).result()
    assert browser.get("/console/session").status_code == 401
    assert read_events(browser, tenant, token) == 403
    assert sign_in(browser, user).status_code == 401


def test_a_link_signs_in_once(browser, user, tenant):
    link = {"link": users.make_link(tenant.store, user, clock.now())}
    assert browser.post("/console/session", json=link).status_code == 200
    again = browser.post("/console/session", json=link)
    assert again.status_code == 401
    assert "link" in again.json()["detail"]


def test_bad_links_of_one_address_keep_no_other_link_out(browser, user, tenant):
    bad = {"link": "bad"}
    tried = [browser.post("/console/session", json=bad).status_code]
    while tried[-1] == 401 and len(tried) < 100:
        tried.append(browser.post("/console/session", json=bad).status_code)
    assert tried[-1] == 429
    link = {"link": users.make_link(tenant.store, user, clock.now())}
    transport = httpx2.HTTPTransport(local_address="127.2.0.9")
    with httpx2.Client(base_url=tenant.server.address, transport=transport) as other:
        assert other.post("/console/session", json=link).status_code == 200


def test_signing_out_behind_tls_drops_the_cookie_there_too(browser, user):
    behind_tls = {"X-Forwarded-Proto": "https"}
    set_cookie = sign_in(browser, user, headers=behind_tls).headers["set-cookie"]
    cookie = {"Cookie": set_cookie.partition(";")[0]}
    answer = browser.delete("/console/session", headers=behind_tls | cookie)
    dropped = [
        one for one in answer.headers.get_list("set-cookie") if "Max-Age=0" in one
    ]
    assert any(
        one.startswith("__Host-footfall=") and "Secure" in one for one in dropped
    )


def test_an_old_link_signs_nobody_in(browser, user, tenant):
    link = {"link": users.make_link(tenant.store, user, clock.now() - 2 * HOUR)}
    assert browser.post("/console/session", json=link).status_code == 401


def test_a_new_password_needs_the_old_one_and_ends_other_sessions(
    browser, user, tenant
):
    sign_in(browser, user)
    other = api_token(browser)
    path, new = "/console/session/password", "another long password"
    wrong = browser.post(path, json={"password": new, "old": "wrong"})
    assert wrong.status_code == 401
    short = browser.post(path, json={"password": "short", "old": PASSWORD})
    assert short.status_code == 409
    done = browser.post(path, json={"password": new, "old": PASSWORD})
    assert done.status_code == 200
    assert read_events(browser, tenant, other) == 403
    assert read_events(browser, tenant, api_token(browser)) == 200
    assert sign_in(browser, user).status_code == 401
    assert sign_in(browser, user, new).status_code == 200


def test_where_two_organizations_have_the_person_one_must_be_named(
    browser, user, other_tenant
):
    person = users.Person(other_tenant.id, user.email)
    twin = users.create_user(other_tenant.store, person, clock.now())
    users.set_password(other_tenant.store, twin, PASSWORD, clock.now())
    unclear = sign_in(browser, user)
    assert unclear.status_code == 409
    assert other_tenant.id in unclear.json()["detail"]
    attempt = {"email": user.email, "password": PASSWORD}
    named = browser.post(
        "/console/session", json=attempt | {"organization": other_tenant.id}
    )
    assert named.json()["organization"]["id"] == other_tenant.id


def test_a_location_manager_sees_its_locations_only(browser, tenant):
    for name in ("bar", "shop"):
        tenant.client.post(
            f"/v1/organizations/{tenant.id}/locations", json={"id": name, "name": name}
        ).raise_for_status()
    person = users.Person(
        tenant.id, "bob@example.com", role=Role.LOCATION_MANAGER, locations=("bar",)
    )
    bob = users.create_user(tenant.store, person, clock.now())
    link = {"link": users.make_link(tenant.store, bob, clock.now())}
    browser.post("/console/session", json=link)
    headers = {"Authorization": f"Bearer {api_token(browser)}"}
    path = f"/v1/organizations/{tenant.id}/locations"
    assert "shop" not in browser.get(path, headers=headers).text


def test_any_page_of_the_console_is_its_document_and_nothing_inline_runs(browser):
    page = browser.get("/console/contacts/ann")
    assert page.headers["content-type"].startswith("text/html")
    assert "unsafe" not in page.headers["content-security-policy"]
    assert "frame-ancestors 'none'" in page.headers["content-security-policy"]
    assert page.content == browser.get("/console").content
    script = browser.get("/console/main.js")
    assert script.headers["content-type"].startswith("text/javascript")


def test_a_file_that_has_not_changed_is_not_sent_again(browser):
    first = browser.get("/console/main.js")
    again = browser.get(
        "/console/main.js", headers={"If-None-Match": first.headers["etag"]}
    )
    assert (again.status_code, again.content) == (304, b"")


def test_no_password_no_link_and_no_secret_is_in_the_log(browser, user, tenant):
    sign_in(browser, user, "a wrong password")
    link = users.make_link(tenant.store, user, clock.now())
    secret = browser.post("/console/session", json={"link": link}).cookies["footfall"]
    for text in (link, secret, PASSWORD, "a wrong password", user.email):
        assert text not in tenant.server.log


@pytest.fixture
def later(tmp_path):
    """An application in this process, whose clock a test moves, and its user."""
    store = open_sqlite(tmp_path / "footfall.db")
    tenants.create_organization(store, "Test", "org", clock.now())
    users.create_user(store, users.Person("org", "ann@example.com"), clock.now())
    yield Later(store)
    store.close()


class Later:
    """Runs steps of a browser on an application with a clock of its own."""

    def __init__(self, store):
        self.store = store
        self.now = clock.now()
        self.context = make_context(store, "s" * 40, now=lambda: self.now)

    def run(self, steps):
        async def main():
            transport = httpx2.ASGITransport(app.build(self.context))  # type: ignore[arg-type]
            async with httpx2.AsyncClient(
                transport=transport, base_url="http://here", headers=SAME
            ) as browser:
                await steps(browser)

        asyncio.run(main())

    async def reads(self, browser, token):
        """Return whether a token reads the API."""
        headers = {"Authorization": f"Bearer {token}"}
        path = "/v1/organizations/org/events"
        return (await browser.get(path, headers=headers)).status_code == 200


async def renewed(browser):
    made = await browser.post("/console/session/token")
    assert made.status_code == 200, made.text
    return made.json()["accessToken"], made.json()["expiresIn"]


def test_a_session_renews_its_token_until_it_ends_after_seven_days(later):
    [user] = later.store.users.all()
    link = {"link": users.make_link(later.store, user, later.now)}

    async def steps(browser):
        await browser.post("/console/session", json=link)
        token, lifetime_s = await renewed(browser)
        assert lifetime_s == 15 * 60
        assert await later.reads(browser, token)
        later.now += 15 * MINUTE
        assert not await later.reads(browser, token)
        token, _ = await renewed(browser)
        assert await later.reads(browser, token)
        later.now += 7 * DAY - 16 * MINUTE
        token, lifetime_s = await renewed(browser)
        assert lifetime_s == 60
        later.now += MINUTE
        assert not await later.reads(browser, token)
        assert (await browser.post("/console/session/token")).status_code == 401

    later.run(steps)


def test_another_spelling_is_no_way_around_the_limit_of_attempts(later):
    async def guesses(address):
        with contextlib.suppress(CredentialsWrong):
            async with later.context.limiter.login(
                "sign-in ann@example.com", address, later.now
            ):
                raise CredentialsWrong("A wrong guess.")

    async def steps(browser):
        for number in range(20):
            await guesses(f"10.0.0.{number}")
        attempt = {"email": "  Ann@EXAMPLE.com", "password": "another guess"}
        answer = await browser.post("/console/session", json=attempt)
        assert answer.status_code == 429

    later.run(steps)
