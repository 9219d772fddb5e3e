"""A disk that refuses to write: a problem for the sender, and nothing lost."""

import resource

from footfall import service, settings
from tests.conftest import Tenant, event, start_server, stop_server


def test_a_refused_write_is_a_503_problem_and_heals(tmp_path):
    path = tmp_path / "footfall.db"
    store = service.open_store(settings.Settings(store=f"sqlite:{path}"))
    server = start_server(path)
    tenant = Tenant(server, store)
    store.close()
    tenant.send([event("before")])
    _, hard = resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE)
    # From now on no file of the server's may be written, its log neither.
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
