"""A disk that refuses to write: a problem for the sender, and nothing lost."""

import resource

import httpx2

from footfall import clock, service, settings
from tests.conftest import Tenant, event, start_server, stop_server
from tests.shared import needs
from tests.sources.equipment import radclient


def test_a_refused_write_is_a_503_problem_and_heals(tmp_path):
    path = tmp_path / "footfall.db"
    store = service.open_store(settings.Settings(store=f"sqlite:{path}"))
    server = start_server(path)
    tenant = Tenant(server, store)
    store.close()
    tenant.send([event("before")])
    _, hard = resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE)
    # From now on the server can write no file, not even its log.
    resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (0, hard))
    for _ in range(3):
        refused = tenant.send([event("during")])
        assert refused.status_code in (503, 507)
        assert refused.headers["content-type"] == "application/problem+json"
        assert refused.json()["detail"]
    assert tenant.ids() == ["before"]
    assert tenant.client.get("/readyz").status_code in (503, 507)
    resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (hard, hard))
    assert tenant.send([event("during")]).json()["accepted"] == 1
    assert tenant.ids() == ["before", "during"]
    assert tenant.client.get("/readyz").status_code == 200
    tenant.client.close()
    assert stop_server(server) == 0


@needs("radclient")
def test_equipment_gets_no_answer_before_its_data_is_on_disk(tmp_path):
    path = tmp_path / "footfall.db"
    chosen = settings.Settings(store=f"sqlite:{path}")
    store = service.open_store(chosen)
    server = start_server(path)
    tenant = Tenant(server, store)
    venue = {"id": "one", "name": "One"}
    tenant.client.post(f"/v1/organizations/{tenant.id}/locations", json=venue)
    source_secrets = service.source_secrets(store, settings.signing_secret(chosen))
    radius, rest = (
        source_secrets.create(
            tenant.id, kind, clock.now(), secret="s3cret", location="one"
        )
        for kind in ("radius", "freeradius")
    )
    store.close()
    packet = {
        "Acct-Status-Type": "Start",
        "User-Name": "ann",
        "Calling-Station-Id": "0c-8d-db-00-11-22",
        "NAS-Identifier": "n",
        "Acct-Session-Id": "s",
    }
    url = f"{server.address}/v1/sources/{rest.source.id}"
    body = {name: {"type": "string", "value": [v]} for name, v in packet.items()}
    _, hard = resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (0, hard))
    said = radclient(server.radius_port, radius.secret, packet, retries=1, timeout=1)
    assert "No reply" in said
    refused = httpx2.post(url, json=body, auth=("footfall", "s3cret"))
    assert refused.status_code in (503, 507)
    assert tenant.ids() == []
    resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (hard, hard))
    said = radclient(server.radius_port, radius.secret, packet)
    assert "Received Accounting-Response" in said
    taken = httpx2.post(url, json=body, auth=("footfall", "s3cret"))
    assert taken.status_code == 204
    assert len(tenant.ids()) == 3
    tenant.client.close()
    assert stop_server(server) == 0
