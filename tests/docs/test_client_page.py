"""The examples of the client's page run, in their order."""

import re

from footfall import clock
from footfall.client import errors
from footfall.core.access import Role
from footfall.flows.accounts import tenants
from tests.conftest import ALL_SCOPES, event
from tests.docs.test_docs import PAGES

PAGE = PAGES["client.md"]


def test_the_examples_run(tenant, capsys):
    made = tenants.create_service(
        tenant.store, tenant.id, Role.ORGANIZATION_MANAGER, ALL_SCOPES, clock.now()
    )
    visit = {"type": "visit", "id": "v", "visit": {"duration": 15}}
    tenant.send([event("a"), event(event=visit)])
    names = {
        "url": tenant.server.address,
        "cid": tenant.id,
        "key": made.client_key,
        "secret": made.client_secret,
    }
    for code in re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL):
        exec(code, names)  # noqa: S102  the page's own examples
    names["client"].close()
    said = capsys.readouterr().out
    assert "v 2026-05-01 10:00:00+00:00" in said
    assert "3 0 []" in said
    assert "409 parameter-invalid" in said


def every_error(kind=errors.ClientError):
    yield kind.__name__
    for inner in kind.__subclasses__():
        yield from every_error(inner)


def test_every_error_is_on_the_page_and_in_the_tree():
    assert errors.__doc__ is not None
    for name in set(every_error()):
        assert f"`{name}`" in PAGE
        assert name in errors.__doc__
