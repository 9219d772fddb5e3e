"""The store and the reading flow against a plain list.

Random events (equal seconds, contradicting local times, several organizations and
zones), random filters, orders, sizes; scrolls with appends and erasures between
their pages, and any page asked for again.
"""

import contextlib
import json
import secrets
from collections.abc import Callable

import hypothesis
import msgspec
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from footfall import service
from footfall.core.events.acceptance import accept
from footfall.core.events.types import TYPES
from footfall.core.instants import format_instant
from footfall.core.queries import Sort
from footfall.core.scrolls import ScrollSeal
from footfall.errors import ContactUnknown
from footfall.flows.events.read import read_events
from footfall.settings import Settings
from footfall.store import Organization

ORGANIZATIONS = ("one", "two")
CONTACTS = ("ann", "bob", "cleo")
BASE = 1_780_000_000_000_000
HOUR = 3_600_000_000
SEAL = ScrollSeal(bytes(range(64)))

INSTANTS = st.integers(0, 12).map(lambda n: BASE + n * 5 * HOUR)
# Zones, and local times that contradict their instant by days.
SKEWS = st.sampled_from([0, 0, 2, 5.5, -7, -12, 14, -30, 400]).map(
    lambda h: int(h * HOUR)
)
NEW = st.tuples(INSTANTS, SKEWS, st.sampled_from(TYPES[:5]), st.sampled_from(CONTACTS))


class Stored(msgspec.Struct):
    organization: str
    contact: str
    type: str
    created_at: int
    local_at: int
    id: str


class Walk(msgspec.Struct):
    """A scroll under way: what its pages were, and what it may still show."""

    parameters: dict[str, str]
    organization: str
    contact: str | None
    scroll_id: str
    seen: list[str]
    bound: list[str]
    asked: list[tuple[str, list[str]]] = []


class Model(RuleBasedStateMachine):
    lent_place: Callable[[], contextlib.AbstractContextManager[Settings]]

    @initialize()
    def begin(self):
        self.lent = contextlib.ExitStack()
        chosen = self.lent.enter_context(type(self).lent_place())
        self.store = self.lent.enter_context(
            contextlib.closing(service.open_store(chosen))
        )
        for name in ORGANIZATIONS:
            self.store.create_organization(Organization(name, name, 0)).result()
        self.list: list[Stored] = []
        self.walks: list[Walk] = []

    def teardown(self):
        if hasattr(self, "store"):
            self.lent.close()

    @rule(
        organization=st.sampled_from(ORGANIZATIONS),
        new=st.lists(NEW, min_size=1, max_size=12),
    )
    def append(self, organization, new):
        batch = []
        for created_at, skew, kind, contact in new:
            made = Stored(
                organization,
                contact,
                kind,
                created_at,
                created_at + skew,
                secrets.token_hex(16) + "l",
            )
            raw = {
                "customerId": contact,
                "event": {"type": kind, "id": made.id},
                "when": {
                    "createdAt": format_instant(created_at),
                    "createdAtLocal": format_instant(made.local_at),
                    "timezone": "UTC",
                },
            }
            batch.append(accept(json.dumps(raw).encode(), organization, 0, str))
            self.list.append(made)
        self.store.append(organization, batch).result()

    @rule(
        organization=st.sampled_from(ORGANIZATIONS), contact=st.sampled_from(CONTACTS)
    )
    def erase(self, organization, contact):
        gone = [
            e
            for e in self.list
            if (e.organization, e.contact) == (organization, contact)
        ]
        try:
            counts = self.store.erase(organization, contact).result().counts
        except ContactUnknown:
            counts = {}
        assert sum(counts.values()) == len(gone)
        self.list = [e for e in self.list if e not in gone]

    def expected(self, organization, contact, parameters):
        """What a plain list gives: filter, then a stable sort."""
        types = parameters.get("events")
        found = [
            e
            for e in self.list
            if e.organization == organization
            and contact in (None, e.contact)
            and (types is None or e.type in types.split(","))
            and format_instant(e.created_at) >= parameters.get("dateStart", "")
            and format_instant(e.created_at) <= parameters.get("dateEnd", "9")
        ]
        sort = parameters.get("sortBy", Sort.BUSINESS_TIME)
        if sort == Sort.BUSINESS_TIME:
            found.sort(key=lambda e: e.local_at)
        if sort == Sort.UTC_TIME:
            found.sort(key=lambda e: e.created_at)
        if parameters.get("sortReverse") != "true":
            return [e.id for e in found]
        # Reversed as a whole, ties too: newest arrival first.
        return [e.id for e in found][::-1]

    def read(self, organization, contact, parameters):
        raw = {name: [value] for name, value in parameters.items()}
        try:
            data = read_events(self.store, SEAL, organization, contact, raw, 0)
        except ContactUnknown:
            return None
        return json.loads(data)

    PARAMETERS = st.fixed_dictionaries(
        {"size": st.sampled_from(["1", "2", "3", "7", "10000"])},
        optional={
            "sortBy": st.sampled_from(list(Sort)).map(str),
            "sortReverse": st.sampled_from(["true", "false"]),
            "dateStart": INSTANTS.map(format_instant),
            "dateEnd": INSTANTS.map(format_instant),
            "events": st.sets(st.sampled_from(TYPES[:5]), min_size=1, max_size=4).map(
                lambda s: ",".join(sorted(s))
            ),
        },
    )

    @rule(
        organization=st.sampled_from(ORGANIZATIONS),
        contact=st.none() | st.sampled_from(CONTACTS),
        parameters=PARAMETERS,
        scroll=st.booleans(),
    )
    def ask(self, organization, contact, parameters, scroll):
        more = {"enableScroll": "true"} if scroll else {}
        answer = self.read(organization, contact, parameters | more)
        if answer is None:
            assert not self.expected(organization, contact, {})
            return
        ids = [e["event"]["id"] for e in answer["events"]]
        expected = self.expected(organization, contact, parameters)
        size = int(parameters["size"])
        assert ids == expected[:size]
        assert answer["count"] == len(ids)
        assert answer["hasMore"] == (len(expected) > size)
        assert ("scrollId" in answer) <= scroll
        if "scrollId" in answer:
            walk = Walk(
                parameters, organization, contact, answer["scrollId"], ids, expected, []
            )
            self.walks.append(walk)

    @rule(data=st.data())
    def go_on(self, data):
        if not self.walks:
            return
        walk = data.draw(st.sampled_from(self.walks), label="walk")
        scroll_id = walk.scroll_id
        answer = self.read(walk.organization, walk.contact, {"scrollId": scroll_id})
        if answer is None:
            self.walks.remove(walk)
            return
        ids = [e["event"]["id"] for e in answer["events"]]
        alive = self.expected(walk.organization, walk.contact, walk.parameters)
        endless = self.endless(walk)
        within = alive if endless else [i for i in walk.bound if i in set(alive)]
        rest = [i for i in within if i not in set(walk.seen)]
        size = int(walk.parameters["size"])
        if endless:
            # A page may end where the scroll's bound was; the next goes on there.
            assert ids == rest[: len(ids)]
            assert ids or not rest
            assert answer["hasMore"] == (len(rest) > len(ids))
        else:
            assert ids == rest[:size]
            assert answer["hasMore"] == (len(rest) > size)
        walk.seen = walk.seen + ids
        if ids:
            walk.asked.append((scroll_id, ids))
        if "scrollId" not in answer:
            assert not ids
            assert not endless
            self.walks.remove(walk)
        else:
            walk.scroll_id = answer["scrollId"]

    @rule(data=st.data())
    def ask_again(self, data):
        asked = [(w, page) for w in self.walks for page in w.asked]
        if not asked:
            return
        walk, (scroll_id, before) = data.draw(st.sampled_from(asked), label="page")
        answer = self.read(walk.organization, walk.contact, {"scrollId": scroll_id})
        if answer is None:
            return
        ids = [e["event"]["id"] for e in answer["events"]]
        alive = set(self.expected(walk.organization, walk.contact, walk.parameters))
        still = [i for i in before if i in alive]
        assert ids[: len(still)] == still

    def endless(self, walk):
        reverse = walk.parameters.get("sortReverse") == "true"
        by_arrival = walk.parameters.get("sortBy") == Sort.RECEIVED_TIME
        return by_arrival and not reverse

    @invariant()
    def nothing_is_lost(self):
        for name in ORGANIZATIONS if hasattr(self, "list") else ():
            answer = self.read(name, None, {"size": "10000"})
            assert answer["count"] == len(self.expected(name, None, {}))


def test_a_store_gives_what_a_plain_list_gives(lent_place):
    machine = type("Machine", (Model,), {"lent_place": staticmethod(lent_place)})
    run_state_machine_as_test(
        machine,
        settings=hypothesis.settings(
            max_examples=15,
            stateful_step_count=30,
            suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture],
        ),
    )
