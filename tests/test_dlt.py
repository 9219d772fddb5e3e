"""The source for dlt: rows are what is stored, whatever runs there were."""

import importlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from footfall import clock
from footfall.core.access import Role
from footfall.flows.accounts import tenants
from tests.conftest import EXAMPLE, Tenant, event
from tests.store.test_contract import accept

dlt = pytest.importorskip("dlt", reason="dlt is not installed: pip install dlt")
pytestmark = [
    pytest.mark.parametrize("server", ["sqlite"], indirect=True),
    pytest.mark.filterwarnings("default"),  # those of dlt are not ours
]


@pytest.fixture
def load(
    tenant: Tenant, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[], list[tuple[Any, ...]]]:
    """Runs the pipeline; returns the id, type and contact of each row."""
    monkeypatch.setenv("RUNTIME__DLTHUB_TELEMETRY", "false")
    source = importlib.import_module("footfall.dlt").footfall_source
    made = tenants.create_service(
        tenant.store,
        tenant.id,
        Role.ORGANIZATION_MANAGER,
        ("events_read",),
        clock.now(),
    )
    pipeline = dlt.pipeline(
        "test",
        destination=dlt.destinations.duckdb(str(tmp_path / "warehouse.db")),
        dataset_name="events_of_test",
        pipelines_dir=str(tmp_path / "pipelines"),
    )

    def run() -> list[tuple[Any, ...]]:
        pipeline.run(
            source(
                base_url=tenant.server.address,
                organization=tenant.id,
                client_key=made.client_key,
                client_secret=made.client_secret,
            )
        ).raise_on_failed_jobs()
        with pipeline.sql_client() as client:
            rows = client.execute_sql(
                "SELECT id, event__type, customer_id FROM events ORDER BY id"
            )
        return list(rows)

    return run


def test_each_run_brings_what_has_arrived_since_the_last_one(tenant, load):
    sent = [one | {"organizationId": tenant.id} for one in EXAMPLE]
    tenant.send(sent)
    wanted = [(e["event"]["id"], e["event"]["type"], e["customerId"]) for e in sent]
    assert load() == sorted(wanted)
    late = event("late", when={"createdAt": "2020-01-01T00:00:00Z"})
    tenant.send(late)
    assert load() == sorted([*wanted, ("late", "login", "guest")])
    assert load() == sorted([*wanted, ("late", "login", "guest")])


def test_a_withdrawn_event_leaves_the_warehouse(tenant, load):
    made = [accept(event(f"id-{n}")) for n in range(3)]
    tenant.store.append(tenant.id, made).result()
    assert [row[0] for row in load()] == ["id-0", "id-1", "id-2"]
    tenant.store.transaction(
        tenant.id, lambda transaction: transaction.events.withdraw([made[1]])
    ).result()
    assert [row[0] for row in load()] == ["id-0", "id-2"]
