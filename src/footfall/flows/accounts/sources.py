"""Sources as people manage them: what they are, how they stand, what went wrong.

`only` has the ids of the locations that the caller may use; None means all. A source
belongs to the location at which its unregistered access points stand; one without a
location is the whole organization's.
"""

from collections.abc import Mapping
from concurrent.futures import Future
from typing import Any

import msgspec

from footfall.core import decoding
from footfall.core.access import LocationScope
from footfall.core.instants import HOUR, format_instant
from footfall.core.paging import Paging, parse_paging
from footfall.errors import NotAllowed, SourceUnknown
from footfall.flows.accounts.source_secrets import SourceSecrets
from footfall.store import Store
from footfall.store.transaction import (
    HeardKind,
    Source,
    StoredRejection,
    Transaction,
)

# The slowest equipment reports every few minutes while somebody is there.
SILENT_AFTER = HOUR


class SourceRequest(msgspec.Struct, frozen=True):
    """What a source is made of; only `kind` is always needed."""

    kind: str
    name: str | None = None
    secret: str | None = None
    validator: str | None = None
    location: str | None = None
    addresses: tuple[str, ...] = ()


class SourceView(msgspec.Struct, frozen=True, rename="camel"):
    """A source as the API shows it; the secret only when it is made.

    Attributes:
        id: Its id.
        organization_id: Whose equipment it is.
        name: What people call it.
        kind: What speaks there: radius, freeradius, meraki or mist.
        path: Where equipment posts to; null for RADIUS, which has a port.
        location: Where access points stand that are not registered.
        addresses: The networks from which RADIUS packets may come.
        created_at: When it was made.
        state: waiting (never heard), receiving, silent (not heard for an hour), or
            sealed: its secret cannot be opened, so it receives nothing.
        last_heard_at: When it was last heard, to the minute.
        problem_count: How many problems of the last 7 days are kept.
        secret: What proves that a sender is it.
    """

    id: str
    organization_id: str
    name: str | None
    kind: str
    path: str | None
    location: str | None
    addresses: tuple[str, ...]
    created_at: str
    state: str
    last_heard_at: str | None
    problem_count: int
    secret: str | msgspec.UnsetType = msgspec.UNSET


class SourceProblem(msgspec.Struct, frozen=True):
    """Something that a source sent and nobody understood; personal data is masked."""

    id: str
    at: str
    source: str
    reason: str
    sent: str


class _Standing(msgspec.Struct, frozen=True):
    """What is known of the sources of an organization."""

    heard: dict[str, int]
    problems: dict[str, int]


def list_sources(
    secrets: SourceSecrets, organization: str, now: int, only: LocationScope = None
) -> list[SourceView]:
    """Return the sources, oldest first."""

    def work(transaction: Transaction) -> tuple[list[Source], _Standing]:
        return transaction.sources.all(), _standing(transaction)

    found, standing = secrets.store.read(organization, work)
    return [
        _shown(secrets, source, standing, now)
        for source in found
        if _may_see(source, only)
    ]


def read_source(
    secrets: SourceSecrets,
    organization: str,
    source: str,
    now: int,
    only: LocationScope,
) -> SourceView:
    """Return a source.

    Raises:
        SourceUnknown: The organization has no such source.
        NotAllowed: The caller may not see it.
    """
    found = find_source(secrets.store, organization, source, only)
    return _shown(secrets, found, secrets.store.read(organization, _standing), now)


def create_source(
    secrets: SourceSecrets, organization: str, value: dict[str, Any], now: int
) -> SourceView:
    """Make a source; return it with its secret when it is on disk.

    Raises:
        Invalid: It cannot be made; has every reason.
        LocationUnknown: There is no such location.
    """
    sent = decoding.convert(value, SourceRequest)
    made = secrets.create(
        organization,
        sent.kind,
        now,
        secret=sent.secret,
        validator=sent.validator,
        location=sent.location,
        networks=sent.addresses,
        name=sent.name,
    )
    shown = _shown(secrets, made.source, _Standing({}, {}), now)
    return msgspec.structs.replace(shown, secret=made.secret)


def delete_source(store: Store, organization: str, source: str) -> Future[None]:
    """Delete a source; footfall receives nothing there any more.

    The future fails with SourceUnknown if the organization has no such source.
    """

    def work(transaction: Transaction) -> None:
        if not transaction.sources.delete(source):
            raise _unknown(source)
        transaction.last_heard.forget((HeardKind.SOURCE, source))

    return store.transaction(organization, work)


def list_problems(
    store: Store,
    organization: str,
    source: str,
    parameters: Mapping[str, list[str]],
    only: LocationScope,
) -> list[SourceProblem]:
    """Return what a source sent that was not understood, newest first.

    Raises:
        ParameterInvalid: `size` or `before` is not allowed.
        SourceUnknown: The organization has no such source.
        NotAllowed: The caller may not see it.
    """
    paging = parse_paging(parameters)
    find_source(store, organization, source, only)
    return read_problems(store, organization, paging, source)


def read_problems(
    store: Store, organization: str, paging: Paging, source: str | None = None
) -> list[SourceProblem]:
    """Return the problems of a source, or of all of an organization, newest first."""

    def work(transaction: Transaction) -> list[StoredRejection]:
        return transaction.sources.rejections(paging.limit, source, paging.before)

    return [
        SourceProblem(
            str(one.number), format_instant(one.at), one.source, one.reason, one.body
        )
        for one in store.read(organization, work)
    ]


def find_source(
    store: Store, organization: str, source: str, only: LocationScope
) -> Source:
    """Return a source of an organization.

    Raises:
        SourceUnknown: The organization has no such source.
        NotAllowed: The caller may not see it.
    """
    found = store.source(source)
    if found is not None and found.organization != organization:
        found = None
    if only is not None and (found is None or not _may_see(found, only)):
        raise NotAllowed("This service may not use this source.")
    if found is None:
        raise _unknown(source)
    return found


def _may_see(source: Source, only: LocationScope) -> bool:
    return only is None or source.location in only


def _standing(transaction: Transaction) -> _Standing:
    return _Standing(
        transaction.last_heard.all_of(HeardKind.SOURCE),
        transaction.sources.rejection_counts(),
    )


def _shown(
    secrets: SourceSecrets, source: Source, standing: _Standing, now: int
) -> SourceView:
    heard_at = standing.heard.get(source.id)
    return SourceView(
        id=source.id,
        organization_id=source.organization,
        name=source.name,
        kind=source.kind,
        path=None if source.kind == "radius" else f"/v1/sources/{source.id}",
        location=source.location,
        addresses=source.networks,
        created_at=format_instant(source.created_at),
        state=_state(heard_at, now) if secrets.can_open(source) else "sealed",
        last_heard_at=None if heard_at is None else format_instant(heard_at),
        problem_count=standing.problems.get(source.id, 0),
    )


def _state(heard_at: int | None, now: int) -> str:
    if heard_at is None:
        return "waiting"
    return "receiving" if now < heard_at + SILENT_AFTER else "silent"


def _unknown(source: str) -> SourceUnknown:
    return SourceUnknown(f"There is no source {source[:64]}.")
