"""The event loop waits for no store on another machine, and for none for long."""

import asyncio
import inspect
from concurrent.futures import Future
from typing import Any, get_origin

import httpx2

from footfall import clock
from footfall.core.access import Role
from footfall.flows.accounts import tenants
from footfall.server import make_context
from footfall.store import Store
from footfall.web import app
from footfall.web.openapi import document
from tests.conftest import ALL_SCOPES, event


class WatchedStore:
    """A store that notes which methods wait for it on an event loop."""

    def __init__(self, store: Store):
        self._store = store
        self.waited: set[str] = set()
        self.waited_on_the_loop: set[str] = set()

    def __getattr__(self, name):
        method = getattr(self._store, name)
        if not callable(method):
            return method
        if get_origin(inspect.signature(method).return_annotation) is Future:
            return method

        def watched(*args, **kwargs):
            self.waited.add(name)
            if is_on_a_loop():
                self.waited_on_the_loop.add(name)
            return method(*args, **kwargs)

        return watched


def is_on_a_loop():
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


async def ask_everything(application, credentials, organization):
    """Ask each operation of the API; most find nothing, after they have looked."""
    transport = httpx2.ASGITransport(application)
    async with httpx2.AsyncClient(
        transport=transport, base_url="http://here"
    ) as client:
        login = await client.post("/v1/sts/login/services", json=credentials)
        client.headers["Authorization"] = login.headers["Authorization"]
        sent = event(when={"createdAt": "2026-05-01T10:00:00Z"})
        for path, operations in document()["paths"].items():
            if path == "/v1/sts/logout":
                continue
            url = path.replace("{cid}", organization).replace("{", "").replace("}", "")
            endless = path.endswith("/stream")
            for method in {"head"} if endless else operations.keys() - {"parameters"}:
                answer = await client.request(method, url, json=sent)
                assert answer.status_code not in (401, 403, 405, 500), (method, url)
        assert (await client.post("/v1/sts/logout")).status_code == 200
        assert (await client.post("/v1/sts/logout")).status_code == 401


def test_no_request_waits_for_the_store_on_the_event_loop(store):
    tenants.create_organization(store, "Test", "org", clock.now())
    made = tenants.create_service(
        store, "org", Role.ORGANIZATION_MANAGER, ALL_SCOPES, clock.now()
    )
    watched: Any = WatchedStore(store)
    credentials = {"clientKey": made.client_key, "clientSecret": made.client_secret}
    application = app.build(make_context(watched, "s" * 40))
    asyncio.run(ask_everything(application, credentials, "org"))
    assert {"credential", "page", "read", "source"} <= watched.waited
    # What an index answers at once is not worth a thread, if it is on this machine.
    at_once = set() if store.is_remote else {"credential", "page"}
    assert watched.waited_on_the_loop == at_once
