"""A source for dlt: an organization's events in any warehouse, kept in step.

`pip install 'footfall[dlt]'`. A run loads what arrived since the last one, late events
too, and takes away what was withdrawn. The position is part of dlt's state, which is
stored with the rows: a run that fails has moved nothing.
Source: https://dlthub.com/docs/general-usage/incremental-loading
"""

from collections.abc import Iterator
from typing import Any

import dlt

from footfall.client import Client
from footfall.client.events import Event

_TOKEN = "after"  # noqa: S105  the name of a position
_JSON = {"data_type": "json"}
# Whose fields differ from event to event: they would become a column each.
_COLUMNS: dict[str, Any] = {
    "withdrawn": {"data_type": "bool", "hard_delete": True},
    "sequence": {"data_type": "bigint", "dedup_sort": "desc"},
    "event__survey__questions": _JSON,
    "event__survey__answers": _JSON,
    "where__geofenceMetadata": _JSON,
    "where__geofenceJSON": _JSON,
}


@dlt.source(name="footfall")
def footfall_source(
    base_url: str = dlt.config.value,
    organization: str = dlt.config.value,
    client_key: str = dlt.secrets.value,
    client_secret: str = dlt.secrets.value,
) -> Any:
    """Return the source, with one resource: `events`.

    Args:
        base_url: The server's address, such as https://footfall.example.
        organization: The organization's id.
        client_key: The key of a service that may read events.
        client_secret: Its secret.
    """

    @dlt.resource(
        name="events", write_disposition="merge", primary_key="id", columns=_COLUMNS
    )
    def events() -> Iterator[list[dict[str, Any]]]:
        state = dlt.current.resource_state()
        sequence = 0
        with Client(
            base_url,
            organization=organization,
            client_key=client_key,
            client_secret=client_secret,
        ) as client:
            for page, token in client.events.sync_pages(state.get(_TOKEN)):
                yield [_row(event, sequence + at) for at, event in enumerate(page)]
                sequence += len(page)
                state[_TOKEN] = token

    return events


def _row(event: Event, sequence: int) -> dict[str, Any]:
    """Return an event with what a merge needs: of one id the last row of a load counts.

    Withdrawn is null where it does not hold: dlt deletes what is true.
    """
    merging = {"id": event.id, "sequence": sequence}
    return event.to_dict() | merging | {"withdrawn": event.withdrawn or None}
