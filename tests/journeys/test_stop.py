"""A process that is asked to stop finishes what it has begun."""

import secrets
import threading
import time

from tests.conftest import Tenant, event, start_server, stop_server


def test_requests_under_way_are_finished_on_sigterm(chosen, store):
    server = start_server(chosen)
    tenant = Tenant(server, store, secrets.token_hex(8))
    answers = []

    def send():
        made = [event() for _ in range(5_000)]
        answers.append(tenant.send(made))

    thread = threading.Thread(target=send)
    thread.start()
    thread.join(0.3)
    began = time.monotonic()
    assert stop_server(server) == 0
    assert time.monotonic() - began < 5
    thread.join()
    assert [a.status_code for a in answers] == [201]
    tenant.client.close()
