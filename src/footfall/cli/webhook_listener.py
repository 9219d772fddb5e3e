"""`footfall webhooks listen`: webhooks for an address that is not public."""

import base64
import functools
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from footfall import clock
from footfall.cli.login import client_of, find_login
from footfall.cli.output import say, warn
from footfall.cli.private_files import read_private, state_file, write_private

if TYPE_CHECKING:
    import httpx2

    from footfall.client import Event
    from footfall.client.blocking import EventStream

_SECRET_BYTES = 24
_TIMEOUT_S = 15
_ERROR = 400


class ListenState(msgspec.Struct):
    """The arrival up to which all was forwarded, and the secret that signs."""

    secret: str
    position: int | None = msgspec.field(default=None, name="place")


def listen(
    *,
    forward_to: str,
    organization: str | None = None,
    events: str = "",
    locations: str = "",
    customer_id: str | None = None,
    after: int | None = None,
) -> None:
    """Post events to an address as they arrive, as webhooks, until Ctrl-C.

    For developing a receiver: it needs no address that others can reach. The messages
    and their signatures are those of webhooks; the secret is printed. It waits for a
    receiver that is away, and the next time it goes on where it was; what the receiver
    answers with an error is said, and not sent again.

    Example: footfall webhooks listen --forward-to http://127.0.0.1:3000/hook

    Args:
        forward_to: Where the messages are posted.
        organization: The organization's id; by default that of the newest login.
        events: Only these types, separated by commas.
        locations: Only of these locations, by their ids, separated by commas.
        customer_id: Only this contact's.
        after: From this position in the log of arrivals on; 0 is the beginning.
    """
    import httpx2

    login = find_login(organization)
    file = state_file("listen", login.url, login.organization, forward_to)
    state = read_private(file, ListenState) or ListenState(_new_secret())
    write_private(file, state)
    say(f"Signing with {state.secret}")
    sys.stdout.flush()
    with client_of(login) as client, httpx2.Client(timeout=_TIMEOUT_S) as http:
        stream = client.events.stream(
            after=state.position if after is None else after,
            types=events,
            locations=locations,
            contact=customer_id,
        )
        _follow(stream, functools.partial(_forward, http, forward_to), file, state)


def _follow(
    stream: "EventStream",
    forward: Callable[["Event", str], int],
    file: Path,
    state: ListenState,
) -> None:
    waiting = True
    try:
        for event in stream:
            waiting = False
            status = forward(event, state.secret)
            _keep(file, state, event.position)
            _tell(event, status)
            waiting = True
    finally:
        if waiting:  # skip entries that are not wanted
            _keep(file, state, stream.position)


def _keep(file: Path, state: ListenState, position: int | None) -> None:
    state.position = position
    write_private(file, state)


def _tell(event: "Event", status: int) -> None:
    outcome = f"{_type_of(event)} {event.id} {status}"
    (warn if status >= _ERROR else say)(outcome)
    sys.stdout.flush()


def _new_secret() -> str:
    import secrets

    return "whsec_" + base64.b64encode(secrets.token_bytes(_SECRET_BYTES)).decode()


def _forward(http: "httpx2.Client", url: str, event: "Event", secret: str) -> int:
    """Post an event until the receiver answers; return the answer's status."""
    import httpx2
    import stamina

    from footfall.core import webhooks
    from footfall.core.subscriptions import heading_of

    message = webhooks.message_of(
        url, event.position or 0, heading_of(event.raw), event.raw
    )
    away = (httpx2.TransportError, None, None)
    for attempt in stamina.retry_context(*away, wait_max=5):
        with attempt:
            now = clock.now()
            headers = webhooks.headers(message.id, message.body, now, [secret])
            return http.post(url, content=message.body, headers=headers).status_code
    raise AssertionError  # it is tried for ever


def _type_of(event: "Event") -> str:
    return f"{event.type}.withdrawn" if event.withdrawn else event.type
