"""Webhooks whose servers and receivers are killed lose nothing."""

import json
import random
import signal
import threading

import pytest

from footfall import service
from footfall.core.events.acceptance import accept
from tests.conftest import Tenant, event, start_server, stop_server
from tests.receiver import OK, Receiver

ALLOW = {"FOOTFALL_WEBHOOK_ALLOW": "127.0.0.1"}
EVENTS = 200


@pytest.fixture
def receiver():
    made = Receiver()
    yield made
    made.close()


def make(tenant, receiver):
    answer = tenant.client.post(
        f"/v1/organizations/{tenant.id}/webhooks", json={"url": receiver.url}
    )
    assert answer.status_code == 201, answer.text
    return answer.json()


@pytest.mark.long
@pytest.mark.parametrize("lent_place", ["sqlite"], indirect=True)
def test_after_a_kill_another_server_delivers_under_the_same_ids(chosen, receiver):
    server = start_server(chosen, **ALLOW)
    store = service.open_store(chosen)
    tenant = Tenant(server, store)
    make(tenant, receiver)
    receiver.reply = lambda _: (500, {}, b"")
    tenant.send([event(f"e{n}") for n in range(20)])
    before = {one.event: one.id for one in receiver.wait_for(10)}
    kill(server)
    receiver.received.clear()
    receiver.reply = lambda _: OK
    again = start_server(chosen, **ALLOW)
    receiver.wait(lambda: {one.event for one in receiver.received} >= before.keys())
    after = {one.event: one.id for one in receiver.received}
    assert {name: after[name] for name in before} == before
    receiver.wait(lambda: len({one.event for one in receiver.received}) == 20)
    tenant.client.close()
    store.close()
    stop_server(again)


def kill(server):
    server.process.send_signal(signal.SIGKILL)
    server.process.stdout.close()
    server.process.wait()


def change_history(stores, tenant, chance):
    """Let events come late and be withdrawn, at any server; returns those that hold."""
    held = {}
    for n in range(EVENTS):
        store = chance.choice(stores)
        made = accept(json.dumps(event(f"e{n}")).encode(), tenant.id, 0, lambda: "")
        store.transaction(
            tenant.id, lambda t, one=made: t.events.append([one])
        ).result()
        held[f"e{n}"] = made
        if n % 7 == 6:
            name = chance.choice(list(held))
            gone = held.pop(name)
            store = chance.choice(stores)
            store.transaction(
                tenant.id, lambda t, one=gone: t.events.withdraw([one])
            ).result()
    return set(held)


@pytest.mark.long
@pytest.mark.parametrize("lent_place", ["postgresql"], indirect=True)
def test_a_receiver_that_is_killed_at_random_ends_with_what_is_stored(chosen, receiver):
    """With two servers, of which the one that delivers is killed, too."""
    chance = random.Random(3)
    servers = [start_server(chosen, **ALLOW) for _ in range(2)]
    stores = [service.open_store(chosen) for _ in range(2)]
    tenant = Tenant(servers[1], stores[0])
    make(tenant, receiver)
    ended = threading.Event()

    def kill_at_random():
        while not ended.wait(chance.uniform(0.2, 1.0)):
            receiver.kill()
            ended.wait(chance.uniform(0.05, 0.3))
            receiver.restart()

    killer = threading.Thread(target=kill_at_random)
    killer.start()
    try:
        held = change_history(stores, tenant, chance)
        kill(servers[0])
    finally:
        ended.set()
        killer.join()
    assert tenant.send(event("last")).status_code == 201
    held.add("last")
    receiver.wait(lambda: set(receiver.events()) == held, within_s=60)
    assert set(tenant.ids()) == held
    tenant.client.close()
    for store in stores:
        store.close()
    stop_server(servers[1])
