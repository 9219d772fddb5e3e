"""Ids in paths are exact: an erasure erases what its path names, and nothing else."""

import http.client
import json
from urllib.parse import quote, urlsplit

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from footfall.core.events.ids import ID_LENGTH_MAX
from footfall.web.paths import canonical
from tests.conftest import event

IDS = st.text(
    st.one_of(
        st.sampled_from("/.%?#+ ;:@&=~a0é漢😀"),
        st.characters(exclude_categories=("C", "Zl", "Zp", "Zs")),
    ),
    min_size=1,
    max_size=12,
).filter(str.isprintable)


def ask(tenant, method, path, body=None):
    """Send a path as it is: clients normalise dots and slashes."""
    connection = http.client.HTTPConnection(urlsplit(tenant.server.address).netloc)
    headers = {"Authorization": tenant.client.headers["Authorization"]}
    connection.putrequest(method, "/", skip_host=False)
    connection._buffer[0] = f"{method} {path} HTTP/1.1".encode()  # type: ignore[attr-defined]
    for name, value in headers.items():
        connection.putheader(name, value)
    if body is not None:
        connection.putheader("Content-Length", str(len(body)))
    connection.endheaders(body)
    answer = connection.getresponse()
    data = answer.read()
    connection.close()
    return answer.status, json.loads(data or b"null"), answer.headers


def contact_path(tenant, contact):
    return f"/v1/organizations/{tenant.id}/customers/{quote(contact, safe='')}"


@settings(
    max_examples=30,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(IDS)
@example("a/b")
@example("/")
@example("/ann")
@example("ann/")
@example("//")
@example(".")
@example("..")
@example("%")
@example("%2F")
@example("%2Fann")
@example("?")
@example("#")
@example(" ")
@example("+")
@example("events")
@example("x" * ID_LENGTH_MAX)
def test_every_id_that_can_be_stored_can_be_read_changed_and_erased(tenant, contact):
    # Contacts that a sloppy path would lead to.
    neighbours = {contact.strip("/"), contact.replace("%2F", "/"), "ann", "events"}
    neighbours -= {contact, ""}
    tenant.send([event(customerId=one) for one in [contact, *neighbours]])
    path = contact_path(tenant, contact)
    assert ask(tenant, "GET", path)[1]["id"] == contact
    page = ask(tenant, "GET", f"{path}/events")[1]
    assert {e["customerId"] for e in page["events"]} == {contact}
    status, changed, _ = ask(tenant, "PATCH", path, b'{"firstName":"Ann"}')
    assert (status, changed["firstName"]) == (200, "Ann")
    assert ask(tenant, "DELETE", path)[1]["customerId"] == contact
    assert ask(tenant, "GET", path)[0] == 404
    for one in neighbours:
        assert ask(tenant, "GET", contact_path(tenant, one))[0] == 200


@pytest.mark.parametrize(
    "spelt", ["%zz", "%", "%2", "%ff", "%00", "a%00b", "é", "\\", "a|b"]
)
def test_an_invalid_spelling_of_an_id_is_a_404(tenant, spelt):
    for end in ("", "/events"):
        path = f"/v1/organizations/{tenant.id}/customers/{spelt}{end}"
        if path.isascii():
            assert ask(tenant, "GET", path)[0] == 404
        assert canonical(path.encode()) == "/%00"


@pytest.mark.parametrize(
    "path",
    [
        "/v1//organizations",
        "/v1/organizations/{cid}//events",
        "/v1/organizations/{cid}/customers//ann",
    ],
)
def test_only_leading_slashes_are_merged(tenant, path):
    tenant.send(event(customerId="ann"))
    path = path.replace("{cid}", tenant.id)
    assert ask(tenant, "GET", path)[0] == 404
    assert ask(tenant, "GET", f"///v1/organizations/{tenant.id}/events")[0] == 200


def test_unreserved_characters_may_be_encoded_or_not(tenant):
    tenant.send(event(customerId="ann-1"))
    path = f"/%761/organizations/{tenant.id}/customers/%61nn%2D1"
    assert ask(tenant, "GET", path)[1]["id"] == "ann-1"


def test_a_problem_names_the_path_as_it_can_be_sent(tenant):
    status, problem, _ = ask(tenant, "GET", contact_path(tenant, "a/b?"))
    assert status == 404
    assert problem["instance"].endswith("/customers/a%2Fb%3F")


@pytest.mark.parametrize(
    "path",
    [
        "/docs/assets/..%2f..%2fapp.py",
        "/docs/assets/%2e%2e/%2e%2e/app.py",
        "/docs/assets/%2Fetc%2Fpasswd",
    ],
)
def test_the_docs_files_lead_to_no_other_files(tenant, path):
    assert ask(tenant, "GET", path)[0] == 404
