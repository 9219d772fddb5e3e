"""People sign in at an OpenID provider; what it must not say is refused."""

import asyncio
import functools
import queue
import secrets
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import parse_qs, urlsplit

import httpx2
import msgspec
import pytest
from joserfc import jwt as jose
from joserfc.jwk import OctKey

from footfall import clock, service
from footfall.cli import doctor
from footfall.core.instants import MINUTE, SECOND
from footfall.flows.accounts import oidc, tenants, users
from footfall.flows.accounts.rate_limits import FAILED_LOGINS
from footfall.runtime.http import bind_port
from footfall.runtime.oidc import ASKING_MAX
from footfall.server import make_context
from footfall.settings import Settings
from footfall.web import app
from tests.conftest import Tenant, stop_server
from tests.provider import CLIENT, SECRET, Provider, start_server_with, unsigned
from tests.shared import open_sqlite

EMAIL = "ann@example.com"
START, CALLBACK = "/console/oidc/start", "/console/oidc/callback"


@pytest.fixture(scope="module")
def running():
    made = Provider()
    yield made
    made.close()


@pytest.fixture
def provider(running):
    """As it should be, with a person who is a user of footfall."""
    running.reset()
    running.person = {"email": EMAIL, "email_verified": True}
    return running


@pytest.fixture(scope="module")
def tenant(running, tmp_path_factory):
    """An organization with one user, on a server that knows the directory."""
    folder = tmp_path_factory.mktemp("oidc")
    server = start_server_with(running, folder / "footfall.db")
    store = service.open_store(server.chosen)
    made = Tenant(server, store)
    users.create_user(store, users.Person(made.id, EMAIL), clock.now())
    yield made
    made.client.close()
    store.close()
    stop_server(server)


@pytest.fixture
def browser(tenant):
    # From an address of its own: failed attempts are counted by address, too.
    address = f"127.4.{secrets.randbelow(256)}.{secrets.randbelow(254) + 1}"
    with httpx2.Client(
        base_url=tenant.server.address,
        timeout=30,
        transport=httpx2.HTTPTransport(local_address=address),
    ) as client:
        yield client


def begin(browser, **parameters):
    """Return the way back from the directory, which asks nothing."""
    there = browser.get(START, params=parameters)
    assert there.status_code == 303, there.text
    return httpx2.get(there.headers["location"]).headers["location"]


def sign_in(browser, **parameters):
    return browser.get(begin(browser, **parameters))


def problem(answer):
    assert answer.status_code == 303
    assert "footfall=" not in str(answer.headers.get_list("set-cookie"))
    where = urlsplit(answer.headers["location"])
    assert (where.netloc, where.path) == ("", "/console/sign-in")
    [code] = parse_qs(where.query)["problem"]
    assert code in oidc.PROBLEMS
    return code


def test_a_person_signs_in_and_goes_on_to_the_page_it_wanted(browser, provider, tenant):
    methods = browser.get("/console/sign-in-methods").json()["oidc"]
    assert methods["name"] == "Example Ltd"
    assert methods["start"] == tenant.server.address + START
    answer = sign_in(browser, then="/console/venues?days=7")
    assert answer.headers["location"] == "/console/venues?days=7"
    assert browser.get("/console/session").json()["user"]["email"] == EMAIL


def changing(**changes):
    return lambda provider: setattr(provider, "change", lambda claims: claims | changes)


def without(name):
    return lambda provider: setattr(
        provider, "change", lambda claims: {n: claims[n] for n in claims if n != name}
    )


def signing(sign):
    return lambda provider: setattr(provider, "sign", sign)


def by_the_secret(claims):
    key = OctKey.import_key(SECRET)
    return jose.encode({"alg": "HS256"}, claims, key, algorithms=["HS256"])


def of_a_stranger(provider):
    """Signed with a key that nobody published, under the name of one that is."""
    provider.rotate()
    stranger = provider.key
    provider.rotate()
    header = {"alg": "ES256", "kid": provider.key.kid}
    provider.sign = lambda claims: jose.encode(header, claims, stranger)


LONG_AGO = clock.now() // SECOND - 3600
UNTRUSTED = {
    "another nonce": changing(nonce="another"),
    "no nonce": without("nonce"),
    "expired": changing(exp=LONG_AGO),
    "no expiry": without("exp"),
    "issued tomorrow": changing(iat=LONG_AGO + 90_000),
    "for another client": changing(aud="another", azp=CLIENT),
    "for two, given to another": changing(aud=[CLIENT, "b"], azp="b"),
    "of another issuer": changing(iss="https://elsewhere.example"),
    "for another access token": changing(at_hash="AAAA"),
    "alg none": signing(unsigned),
    "signed with the shared secret": signing(by_the_secret),
    "signed by a stranger": of_a_stranger,
    "no ID token": signing(lambda _: None),
    "not a token": signing(lambda _: "a.b.c"),
}


@pytest.mark.parametrize("name", UNTRUSTED)
def test_a_token_that_is_not_of_this_sign_in_is_refused(browser, provider, name):
    UNTRUSTED[name](provider)
    assert problem(sign_in(browser)) == "untrusted"
    assert browser.get("/console/session").status_code == 401


@pytest.mark.parametrize(
    ("person", "expected"),
    [
        ({"email": EMAIL, "email_verified": False}, "unverified"),
        ({"email_verified": True}, "unverified"),
        ({"email": "bob@example.com", "email_verified": True}, "unknown"),
    ],
)
def test_who_is_no_user_by_a_verified_e_mail_is_not_let_in(
    browser, provider, person, expected
):
    provider.person = person
    assert problem(sign_in(browser)) == expected
    assert browser.get("/console/session").status_code == 401


def test_an_e_mail_counts_however_the_directory_spells_it(browser, provider):
    provider.person = {"email": " ANN@Example.com", "email_verified": True}
    assert sign_in(browser).headers["location"] == "/console"


class Desk:
    """The application in this process, with its own clock and directory."""

    def __init__(self, store, provider, **settings):
        self.store = store
        self.now = clock.now()
        chosen = Settings(
            address="http://127.0.0.1:8000",
            oidc_issuer=provider.issuer,
            oidc_client_id=CLIENT,
            oidc_client_secret=provider.secret,
        )
        context = make_context(
            store,
            "s" * 40,
            now=lambda: self.now,
            chosen=msgspec.structs.replace(chosen, **settings),
        )
        self._application = app.build(context)

    def run(self, steps):
        async def main():
            transport = httpx2.ASGITransport(self._application)  # type: ignore[arg-type]
            async with httpx2.AsyncClient(
                transport=transport, base_url="http://127.0.0.1:8000"
            ) as browser:
                return await steps(browser)

        return asyncio.run(main())

    def sign_in(self):
        async def steps(browser):
            there = (await browser.get(START)).headers["location"]
            back = httpx2.get(there).headers["location"]
            return await browser.get(back)

        return self.run(steps)


@pytest.fixture
def desk_of(tmp_path):
    """Makes desks; what the directory is must be said before."""
    store = open_sqlite(tmp_path / "footfall.db")
    for organization in ("one", "two"):
        tenants.create_organization(store, organization, organization, clock.now())
    users.create_user(store, users.Person("one", EMAIL), clock.now())
    yield functools.partial(Desk, store)
    store.close()


def test_an_e_mail_that_only_the_userinfo_has_counts(desk_of, provider):
    provider.person = {}
    provider.userinfo = {"sub": "1234", "email": EMAIL, "email_verified": True}
    assert desk_of(provider).sign_in().headers["location"] == "/console"


def test_the_userinfo_of_another_person_is_refused(desk_of, provider):
    provider.person = {}
    provider.userinfo = {"sub": "5678", "email": EMAIL, "email_verified": True}
    assert problem(desk_of(provider).sign_in()) == "untrusted"


def test_the_client_proves_itself_in_the_form_where_only_that_is_taken(
    desk_of, provider
):
    methods = ["client_secret_post"]
    provider.metadata = {"token_endpoint_auth_methods_supported": methods}
    assert desk_of(provider).sign_in().headers["location"] == "/console"


def test_a_public_client_needs_no_secret(desk_of, provider):
    provider.secret = None
    assert desk_of(provider).sign_in().headers["location"] == "/console"


def test_a_wrong_client_secret_signs_nobody_in(desk_of, provider):
    desk = desk_of(provider, oidc_client_secret="another")
    assert problem(desk.sign_in()) == "unconfirmed"


def test_a_directory_under_another_name_is_not_asked_further(desk_of, provider):
    provider.metadata = {"issuer": "https://elsewhere.example"}

    async def steps(browser):
        return await browser.get(START)

    assert problem(desk_of(provider).run(steps)) == "unreachable"


def test_an_answer_without_end_is_not_read(desk_of, provider):
    provider.padding = "x" * (1 << 20)

    async def steps(browser):
        return await browser.get(START)

    assert problem(desk_of(provider).run(steps)) == "unreachable"


def test_a_sign_in_must_be_over_within_ten_minutes(desk_of, provider):
    desk = desk_of(provider)

    async def steps(browser):
        there = (await browser.get(START)).headers["location"]
        back = httpx2.get(there).headers["location"]
        desk.now += 10 * MINUTE
        return await browser.get(back)

    assert problem(desk.run(steps)) == "not-begun"


def test_another_server_finishes_what_one_began(desk_of, provider):
    first, second = desk_of(provider), desk_of(provider)

    async def begins(browser):
        there = (await browser.get(START)).headers["location"]
        return httpx2.get(there).headers["location"], browser.cookies

    back, cookies = first.run(begins)

    async def finishes(browser):
        browser.cookies = cookies
        return await browser.get(back)

    assert second.run(finishes).headers["location"] == "/console"


def test_who_belongs_to_several_organizations_chooses_one(desk_of, provider):
    desk = desk_of(provider)
    users.create_user(desk.store, users.Person("two", EMAIL), desk.now)
    unclear = desk.sign_in()
    assert problem(unclear) == "several"
    query = parse_qs(urlsplit(unclear.headers["location"]).query)
    assert query["organization"] == ["one", "two"]

    async def steps(browser):
        start = await browser.get(START, params={"organization": "two"})
        await browser.get(httpx2.get(start.headers["location"]).headers["location"])
        return (await browser.get("/console/session")).json()

    assert desk.run(steps)["organization"]["id"] == "two"


def test_a_directory_that_does_not_answer_holds_up_no_password(browser, provider):
    back = begin(browser)
    cookie = {"Cookie": f"footfall-oidc={browser.cookies['footfall-oidc']}"}
    provider.asked = queue.SimpleQueue()
    provider.answers.clear()
    count = FAILED_LOGINS.burst + 1
    with ThreadPoolExecutor(count) as pool:
        waiting = [pool.submit(browser.get, back, headers=cookie) for _ in range(count)]
        for _ in range(ASKING_MAX):
            assert provider.asked.get(timeout=20) == "/token"
        attempt = {"email": EMAIL, "password": "wrong"}
        assert browser.post("/console/session", json=attempt).status_code == 401
        assert not any(one.done() for one in waiting)
        provider.answers.set()
        found = [one.result().headers["location"] for one in waiting]
    assert found.count("/console") == 1  # a code is good once


def test_a_directory_that_is_down_is_named_and_passwords_go_on(desk_of, provider):
    nobody = bind_port("127.0.0.1", 0)
    desk = desk_of(provider, oidc_issuer=f"http://localhost:{nobody}")
    [one] = desk.store.users.all()
    users.set_password(desk.store, one, "correct horse battery", desk.now)
    attempt = {"email": EMAIL, "password": "correct horse battery"}

    async def steps(browser):
        down = await browser.get(START, params={"then": "/console/live"})
        return down, await browser.post("/console/session", json=attempt)

    down, by_password = desk.run(steps)
    assert problem(down) == "unreachable"
    assert "then=%2Fconsole%2Flive" in down.headers["location"]
    assert by_password.status_code == 200


def test_an_answer_to_another_browser_is_refused(browser, provider, tenant):
    with httpx2.Client(base_url=tenant.server.address) as other:
        back = begin(other)
    assert problem(browser.get(back)) == "not-begun"
    begin(browser)
    assert problem(browser.get(back)) == "not-begun"


def test_a_callback_signs_in_once(browser, provider):
    back = begin(browser)
    cookie = browser.cookies["footfall-oidc"]
    assert browser.get(back).headers["location"] == "/console"
    browser.cookies.delete("footfall")
    assert problem(browser.get(back)) == "not-begun"
    browser.cookies.set("footfall-oidc", cookie)
    assert problem(browser.get(back)) == "unconfirmed"


def test_an_answer_that_names_another_issuer_is_refused(browser, provider):
    back = begin(browser)
    mixed_up = back.replace(f"%3A{provider.port}", "%3A1")
    assert mixed_up != back
    assert problem(browser.get(mixed_up)) == "untrusted"


def test_who_cancels_at_the_directory_comes_back(browser, provider):
    provider.refusal = "access_denied"
    assert problem(sign_in(browser)) == "declined"


def test_the_directory_may_change_its_keys(browser, provider):
    sign_in(browser)
    provider.rotate()
    assert sign_in(browser).headers["location"] == "/console"


def test_a_sign_in_leads_to_no_other_place(browser, provider):
    answer = sign_in(browser, then="//evil.example/console")
    assert answer.headers["location"] == "/console"


def test_the_attempt_is_kept_from_scripts_and_for_ten_minutes(browser, provider):
    cookie = browser.get(START).headers["set-cookie"].lower()
    assert cookie.startswith("footfall-oidc=")
    for attribute in ("httponly", "samesite=lax", "max-age=600", "path=/"):
        assert attribute in cookie
    behind_tls = browser.get(START, headers={"X-Forwarded-Proto": "https"})
    cookie = behind_tls.headers["set-cookie"]
    assert cookie.startswith("__Host-footfall-oidc=")
    assert "secure" in cookie.lower()


def test_failed_sign_ins_are_limited(browser, provider):
    back = begin(browser)
    cookie = {"Cookie": f"footfall-oidc={browser.cookies['footfall-oidc']}"}
    found = ""
    # On a slow machine some may be tried again meanwhile.
    for _ in range(100):
        found = problem(
            browser.get(back.replace("state=", "state=wrong"), headers=cookie)
        )
        if found == "too-many":
            break
    assert found == "too-many"


def test_no_secret_and_no_e_mail_of_a_sign_in_is_in_the_log(browser, provider, tenant):
    back = begin(browser)
    query = parse_qs(urlsplit(back).query)
    texts = [SECRET, EMAIL, query["code"][0], query["state"][0]]
    texts.append(browser.cookies["footfall-oidc"])
    assert browser.get(back).status_code == 303
    provider.person = {"email": "bob@example.com", "email_verified": True}
    sign_in(browser)
    log = tenant.server.log
    assert '"reason":"unknown"' in log.replace(" ", "")
    assert [text for text in [*texts, "bob@example.com"] if text in log] == []


def test_without_a_directory_nobody_is_sent_to_one(desk_of, provider):
    async def steps(browser):
        methods = await browser.get("/console/sign-in-methods")
        return methods.json()["oidc"], (await browser.get(START)).status_code

    assert desk_of(provider, oidc_issuer=None).run(steps) == (None, 404)


def test_doctor_tells_whether_the_directory_can_be_used(provider):
    chosen = Settings(
        address="https://footfall.example",
        oidc_issuer=provider.issuer,
        oidc_client_id=CLIENT,
    )
    assert doctor._directory_problems(chosen) == []
    wrong = msgspec.structs.replace(chosen, oidc_issuer=f"{provider.issuer}/")
    [found] = doctor._directory_problems(wrong)
    assert f"it says that its issuer is {provider.issuer}" in found
