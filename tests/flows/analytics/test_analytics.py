"""Every figure equals what a plain scan of the scrolled events says."""

import collections
import json
import random
import statistics
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from footfall.core import facts
from footfall.core.analytics import BREAKDOWN_METRICS, METRICS, parse_question
from footfall.core.events.acceptance import accept
from footfall.core.events.types import TYPE_NUMBERS, TYPES
from footfall.core.facts import BEGIN, END, RawFact, read_fact
from footfall.core.instants import DAY, MINUTE, format_instant, parse_instant
from footfall.core.queries import EventQuery
from footfall.errors import ParameterInvalid
from footfall.flows.analytics import report, update
from footfall.flows.places import manage
from footfall.store import Organization

NOW = parse_instant("2026-11-05T12:00:00Z")
# Over the clock changes of Europe (25 October) and New York (1 November).
START = parse_instant("2026-10-20T00:00:00Z")
ZONES = {
    "rome": "Europe/Rome",
    "york": "America/New_York",
    "kolkata": "Asia/Kolkata",
    "lord": "Australia/Lord_Howe",
}
RANGE = {"from": ["2026-10-22"], "to": ["2026-11-03"]}


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch):
    """So that histories have many blocks, and cut them."""
    monkeypatch.setattr(facts, "BLOCK_MAX", 6)


@pytest.fixture(autouse=True)
def organization(store):
    store.create_organization(Organization("org", "Org", 0)).result()
    for name, zone in ZONES.items():
        if name != "lord":  # is known by its events alone
            location = {"id": name, "name": name.title(), "timezone": zone}
            manage.create_location(store, "org", location).result()


def make(rng, people=12):
    kind = rng.choice(("visit", "visit", "visit", "arriving", "login", "signup"))
    place = rng.choice([*ZONES, *ZONES, None])
    at = START + rng.randrange(16 * DAY // MINUTE) * MINUTE + rng.randrange(60) * 10**6
    event = {"type": kind, "id": f"{rng.getrandbits(128):032x}l"}
    if kind == "visit":
        event["visit"] = {"duration": rng.choice((5, 7, 30, 31, 90, 600))}
    where = {"locationId": place, "hotspotId": f"{place}-{rng.randrange(2)}"}
    return {
        "customerId": f"guest-{rng.randrange(people)}",
        "event": event,
        "where": where if place else {},
        "when": {
            "createdAt": format_instant(at),
            "timezone": ZONES.get(place or "", "UTC"),
        },
    }


def accepted(event):
    raw = json.dumps(event).encode()
    return accept(raw, "org", NOW, lambda: f"{random.getrandbits(128):032x}")


def scrolled(store):
    body = store.page(EventQuery("org", size=10_000)).body
    return json.loads(b"[" + body + b"]")


@pytest.fixture(params=range(2))
def history(request, store):
    """Events in any order, some withdrawn and some people erased, read on meanwhile."""
    rng = random.Random(request.param)
    for _ in range(8):
        kept = [accepted(make(rng)) for _ in range(40)]
        derived = [accepted(make(rng)) for _ in range(20)]
        store.append("org", kept).result()
        store.transaction("org", lambda t, d=derived: t.events.append(d)).result()
        if rng.random() < 0.6:
            update.step(store, "org")
        gone = [one for one in derived if rng.random() < 0.3]
        store.transaction("org", lambda t, g=gone: t.events.withdraw(g)).result()
        if rng.random() < 0.5:
            update.update(store, "org")
        if rng.random() < 0.4 and kept:
            store.erase("org", rng.choice(kept).contact).result()
    update.update(store, "org")
    return store


class Scan:
    """The same, counted event by event."""

    def __init__(self, store, zone=None, locations=None):
        self.zone = zone
        self.events = [
            (
                one["event"]["type"],
                one["customerId"],
                one["where"].get("locationId"),
                one["where"].get("hotspotId"),
                one["event"].get("visit", {}).get("duration"),
                datetime.fromisoformat(one["when"]["createdAt"]),
            )
            for one in scrolled(store)
        ]
        if locations is not None:
            self.events = [one for one in self.events if one[2] in locations]
        self.events.sort(key=lambda one: one[5])

    def local(self, one):
        return one[5].astimezone(ZoneInfo(self.zone or ZONES.get(one[2] or "", "UTC")))

    def of(self, kind, key):
        found = collections.defaultdict(list)
        for one in self.events:
            if one[0] == kind:
                found[key(self.local(one))].append(one)
        return found

    def figure(self, metric, key, period):
        if metric.startswith("events."):
            return len(self.of(metric.partition(".")[2], key)[period])
        kinds = {"arrivals": "arriving", "logins": "login", "signups": "signup"}
        found = self.of(kinds.get(metric, "visit"), key)[period]
        people = {one[1] for one in found}
        first: dict[str, date] = {}
        for one in self.events:
            if one[0] == "visit":
                first.setdefault(one[1], key(self.local(one)))
        new = {one for one in people if first[one] == period}
        lengths = sorted(one[4] * 60 for one in found if one[4] is not None)
        if metric.startswith("dwell"):
            return None if not lengths else dwell(metric, lengths)
        return {
            "visitors": len(people),
            "newVisitors": len(new),
            "returningVisitors": len(people - new),
        }.get(metric, len(found))


def dwell(metric, lengths):
    if metric == "dwellMean":
        return round(statistics.mean(lengths), 3)
    if metric == "dwellMedian":
        return round(statistics.median(lengths), 3)
    if len(lengths) == 1:
        return lengths[0]
    return round(statistics.quantiles(lengths, n=10, method="inclusive")[8], 3)


def ask(**parameters):
    return parse_question(RANGE | {k: [v] for k, v in parameters.items()}, NOW)


def by_day(local):
    return local.date()


def by_week(local):
    return local.date() - timedelta(days=local.weekday())


def by_month(local):
    return local.date().replace(day=1)


@pytest.mark.parametrize("zone", [None, "Europe/Rome"])
def test_a_timeseries_is_what_a_scan_counts(history, zone):
    more = {} if zone is None else {"timezone": zone}
    scan = Scan(history, zone)
    for interval, key in (("day", by_day), ("week", by_week), ("month", by_month)):
        question = ask(metrics=",".join(METRICS), interval=interval, **more)
        rows = report.timeseries(history, "org", question, None).rows
        assert len(rows) >= 2
        for row in rows:
            period = date.fromisoformat(row["time"][:10])
            for metric, figure in row.items():
                if metric != "time":
                    assert figure == scan.figure(metric, key, period), (metric, period)


def test_hours_are_those_of_one_zone_and_a_day_may_have_25(history):
    question = ask(metrics="visits,visitors", interval="hour", timezone="Europe/Rome")
    rows = report.timeseries(history, "org", question, None).rows
    days = collections.Counter(row["time"][:10] for row in rows)
    assert days["2026-10-25"] == 25
    assert set(days.values()) == {24, 25}
    scan = Scan(history, "Europe/Rome")
    starts = [datetime.fromisoformat(row["time"]) for row in rows]
    for row, start in zip(rows, starts, strict=True):
        found = [
            one
            for one in scan.events
            if one[0] == "visit" and start <= one[5] < start + timedelta(hours=1)
        ]
        assert row["visits"] == len(found)
        assert row["visitors"] == len({one[1] for one in found})


def test_locations_narrow_all_figures_also_who_is_new(history):
    question = ask(metrics="visits,newVisitors", locations="rome,lord")
    rows = report.timeseries(history, "org", question, None).rows
    scan = Scan(history, locations={"rome", "lord"})
    for row in rows:
        day = date.fromisoformat(row["time"][:10])
        assert row["visits"] == scan.figure("visits", by_day, day)
        assert row["newVisitors"] == scan.figure("newVisitors", by_day, day)
    limited = report.timeseries(
        history, "org", ask(metrics="visits,newVisitors"), frozenset({"rome", "lord"})
    )
    assert limited.rows == rows


def in_range(scan, kind):
    first, last = date(2026, 10, 22), date(2026, 11, 3)
    return [
        one
        for one in scan.events
        if one[0] == kind and first <= scan.local(one).date() <= last
    ]


def test_a_breakdown_is_what_a_scan_counts(history):
    scan = Scan(history)
    for metric in BREAKDOWN_METRICS:
        check_breakdowns(history, scan, metric)


def check_breakdowns(history, scan, metric):
    kinds = {"arrivals": "arriving", "logins": "login", "signups": "signup"}
    found = in_range(scan, kinds.get(metric, "visit"))
    for word, column in (("location", 2), ("hotspot", 3)):
        groups = collections.defaultdict(list)
        for one in found:
            groups[one[column]].append(one[1])
        wanted = {
            name: len(set(people)) if metric == "visitors" else len(people)
            for name, people in groups.items()
        }
        question = ask(metric=metric, property=word)
        rows = report.breakdown(history, "org", question, None).rows
        assert {row[word]: row[metric] for row in rows} == wanted
        assert [row[metric] for row in rows] == sorted(wanted.values(), reverse=True)
    question = ask(metric=metric, property="hourOfWeek")
    rows = report.breakdown(history, "org", question, None).rows
    hours = collections.defaultdict(list)
    for one in found:
        local = scan.local(one)
        hours[local.isoweekday(), local.hour].append(one[1])
    assert len(rows) == 168
    for row in rows:
        people = hours[row["weekday"], row["hour"]]
        assert row[metric] == len(set(people) if metric == "visitors" else people)


def test_lengths_visits_of_a_visitor_and_types_are_what_a_scan_counts(history):
    scan = Scan(history)
    found = in_range(scan, "visit")

    def rows(name):
        return report.breakdown(history, "org", ask(property=name), None).rows

    for row in rows("dwell"):
        end = row["to"] or 10**9
        inside = [one for one in found if row["from"] <= one[4] * 60 < end]
        assert row["visits"] == len(inside)
    visits = collections.Counter(one[1] for one in found)
    people = collections.Counter(visits.values())
    assert {
        row["visits"]: row["visitors"] for row in rows("visitsPerVisitor")
    } == people
    types = {name: len(in_range(scan, name)) for name in TYPES}
    wanted = {name: count for name, count in types.items() if count}
    assert {row["type"]: row["events"] for row in rows("type")} == wanted


def test_who_was_there_by_the_quarter_is_what_a_scan_counts(history):
    question = ask(timezone="UTC")
    rows = report.occupancy_history(history, "org", question, None, NOW).rows
    found = {(row["time"], row["location"]): row["visitors"] for row in rows}
    counted: collections.Counter[tuple[str, str]] = collections.Counter()
    first, end = datetime(2026, 10, 22, tzinfo=UTC), datetime(2026, 11, 4, tzinfo=UTC)
    for one in Scan(history).events:
        if one[0] == "visit":
            at = first
            start = one[5] - timedelta(minutes=one[4])
            while at < min(one[5], end):
                if at >= start:
                    counted[at.strftime("%Y-%m-%dT%H:%M:%SZ"), one[2]] += 1
                at += timedelta(minutes=15)
    assert found == counted


@pytest.mark.parametrize("damage", ["none", "lost", "wrong"])
def test_what_was_counted_again_is_what_it_was(history, monkeypatch, damage):
    monkeypatch.setattr(update, "REBUILD_BLOCKS", 5)
    question = ask(metrics=",".join(METRICS))
    before = report.timeseries(history, "org", question, None).rows
    if damage != "none":
        history.transaction("org", lambda t: spoil(t, damage)).result()
        assert report.timeseries(history, "org", question, None).rows != before
    update.rebuild(history, "org")
    assert report.timeseries(history, "org", question, None).rows == before


def spoil(transaction, damage):
    """Lose all facts of visits, or let them all be the same one."""
    kind = TYPE_NUMBERS["visit"]
    analytics = transaction.analytics
    blocks = analytics.blocks(kind, BEGIN, END, facts.DETAILS)
    rows = np.concatenate([facts.unpack(one) for one in blocks])
    rows[:] = rows[0]
    wrong = [(kind, one) for one in facts.cut(rows, newest=True)]
    added = wrong if damage == "wrong" else []
    keys = analytics.keys(kind, BEGIN, END)
    analytics.write(keys, added, [], [], analytics.progress())


def test_a_figure_counts_up_to_a_place_in_the_log(store):
    store.append("org", [accepted(make(random.Random(1)))]).result()
    question = ask()
    assert report.timeseries(store, "org", question, None).as_of == 0
    assert store.organizations_to_count() == ["org"]
    update.update_all(store, print)
    assert report.timeseries(store, "org", question, None).as_of == 1
    assert store.organizations_to_count() == []


def test_nothing_of_an_erased_person_is_left_in_the_facts(store):
    made = [accepted(make(random.Random(n), people=1)) for n in range(30)]
    store.append("org", made).result()
    update.update(store, "org")
    store.erase("org", "guest-0").result()
    assert store.organizations_to_count() == ["org"]
    update.update(store, "org")

    def facts(transaction):
        return [
            list(transaction.analytics.blocks(kind, BEGIN, END))
            for kind in range(len(TYPES))
        ]

    assert not any(store.read("org", facts))


def test_an_erasure_reaches_all_blocks_of_an_hour(store):
    rng = random.Random(1)
    for who in ("anna", "ben"):
        made = [make(rng) | {"customerId": who} for _ in range(60)]
        for one in made:
            second = format_instant(START + rng.randrange(3_600) * 10**6)
            one["event"] = {"type": "login", "id": one["event"]["id"]}
            one["when"]["createdAt"] = second
        store.append("org", [accepted(one) for one in made]).result()
    update.update(store, "org")
    store.erase("org", "anna").result()
    update.update(store, "org")
    kind = TYPE_NUMBERS["login"]
    blocks = store.read("org", lambda t: list(t.analytics.blocks(kind, BEGIN, END)))
    assert len(facts.join(blocks)) == 60


@pytest.mark.parametrize(
    "at", ["0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59"]
)
def test_an_event_at_the_end_of_all_time_is_counted_too(store, at):
    sent = make(random.Random(4)) | {"event": {"type": "login", "id": "1l"}}
    sent["when"] = {"createdAt": at, "createdAtLocal": at, "timezone": "UTC"}
    store.append("org", [accepted(sent)]).result()
    kind = TYPE_NUMBERS["login"]
    for count in (update.update, update.rebuild):
        count(store, "org")
        assert store.organizations_to_count() == []
        blocks = store.read("org", lambda t: list(t.analytics.blocks(kind, BEGIN, END)))
        assert len(facts.join(blocks)) == 1


def test_many_events_of_a_second_are_counted_and_withdrawn_each(store):
    rng = random.Random(3)
    made = []
    for number in range(50):
        one = make(rng) | {"event": {"type": "login", "id": f"{number:032x}l"}}
        at = START + max(0, number - 40) * 10**6
        one["when"]["createdAt"] = format_instant(at)
        made.append(accepted(one))
    question = ask(**{"from": "2026-10-20", "metrics": "logins", "timezone": "UTC"})

    def counted():
        update.update(store, "org")
        rows = report.timeseries(store, "org", question, None).rows
        return sum(row["logins"] for row in rows)

    for first in range(0, 50, 10):
        some = made[first : first + 10]
        store.transaction("org", lambda t, some=some: t.events.append(some)).result()
        assert counted() == first + 10
    kind = TYPE_NUMBERS["login"]
    blocks = store.read("org", lambda t: list(t.analytics.blocks(kind, BEGIN, END)))
    assert max(len(one.contacts) // 4 for one in blocks) <= facts.BLOCK_MAX
    store.transaction("org", lambda t: t.events.withdraw(made[5:8])).result()
    assert counted() == 47
    store.erase("org", made[20].contact).result()
    assert counted() == len(scrolled(store))


def test_a_step_that_another_server_did_first_changes_nothing(store, monkeypatch):
    store.append("org", [accepted(make(random.Random(n))) for n in range(5)]).result()
    change = store.read("org", update._compute)
    update.update(store, "org")
    monkeypatch.setattr(update, "_compute", lambda _: change)
    update.step(store, "org")
    monkeypatch.undo()
    question = ask(metrics="events")
    rows = report.timeseries(store, "org", question, None).rows
    scan = Scan(store)
    assert sum(sum(v for k, v in row.items() if k != "time") for row in rows) == sum(
        len(in_range(scan, name)) for name in TYPES
    )


@pytest.mark.parametrize(
    ("parameters", "field"),
    [
        ({"metrics": "visit"}, "metrics"),
        ({"interval": "minute"}, "interval"),
        ({"timezone": "Mars"}, "timezone"),
        ({"from": "soon"}, "from"),
        ({"from": "2026-12-01"}, "from"),
        ({"from": "1990-01-01"}, "from"),
        ({"from": "2024-01-01", "interval": "hour"}, "interval"),
        ({"property": "colour"}, "property"),
        ({"locations": ",".join(map(str, range(101)))}, "locations"),
    ],
)
def test_what_cannot_be_asked_is_refused_by_name(parameters, field):
    with pytest.raises(ParameterInvalid) as refused:
        ask(**parameters)
    assert [error.field for error in refused.value.errors] == [field]


def test_without_dates_the_last_30_days_are_counted():
    question = parse_question({}, NOW)
    assert (question.first, question.last) == (date(2026, 10, 7), date(2026, 11, 5))


@pytest.mark.parametrize(
    "body",
    [
        b'{"where":null,"event":{"visit":null},"when":[]}',
        b'{"where":{"locationId":7},"event":{"visit":{"duration":"x"}}}',
        b'{"event":{"visit":{"duration":-1e300}}}',
        b"[]",
    ],
)
def test_what_is_not_as_expected_counts_as_missing(body):
    assert read_fact(body) == RawFact("", "", "", 0)


def test_an_organization_that_fails_delays_no_other(store, monkeypatch):
    store.create_organization(Organization("ill", "Ill", 0)).result()
    made = [accepted(make(random.Random(n))) for n in range(5)]
    store.append("ill", made).result()
    store.append("org", made).result()
    step = update.step
    failures: list[Exception] = []

    def stumbling(store, organization):
        if organization == "ill":
            raise ZeroDivisionError
        return step(store, organization)

    monkeypatch.setattr(update, "step", stumbling)
    update.update_all(store, failures.append)
    assert store.organizations_to_count() == ["ill"]
    assert {type(one) for one in failures} == {ZeroDivisionError}
