"""Growth: the time of a page for every order, type, date and contact, by size of store.

`python bench/growth.py --events 20000000` makes the stores it needs (hours for so many;
they are kept in `bench/data`) and prints the combinations that grew the most.
"""

import argparse
import itertools
import json
import os
import statistics
import time

from rich.console import Console
from rich.table import Table

from bench import ORG, SMALL, prepare
from footfall import service, settings
from footfall.core.events import TYPE_NUMBERS, TYPES
from footfall.core.instants import DAY, HOUR
from footfall.core.queries import EventQuery, Sort

RUNS = 7
SHOWN = 12
TYPES_ASKED = {
    "all types": tuple(range(len(TYPES))),
    "one type": (TYPE_NUMBERS["login"],),
    "a rare type": (TYPE_NUMBERS["promo"],),
    "three types": (1, 3, 7),
}


def opened(path):
    return service.open_store(settings.load(os.environ, store=f"sqlite:{path}"))


def spans(store):
    """Name spans of dates in the middle of what is stored."""
    first, last = (
        store.page(EventQuery(ORG, sort=Sort.UTC_TIME, reverse=reverse, size=1)).last
        for reverse in (False, True)
    )
    middle = (first.key + last.key) // 2
    return {
        "always": (None, None),
        "from the middle": (middle, None),
        "until the middle": (None, middle),
        "a day": (middle, middle + DAY),
        "an hour": (middle, middle + HOUR),
        "after all": (last.key + 30 * DAY, None),
    }


def times(store):
    """Return the seconds of a page of 20 for each combination."""
    page = store.page(EventQuery(ORG, size=1))
    contact = json.loads(page.body)["customerId"]
    found = {}
    for (types, numbers), (days, span), sort, reverse, who in itertools.product(
        TYPES_ASKED.items(), spans(store).items(), Sort, (False, True), (None, contact)
    ):
        query = EventQuery(ORG, who, *span, numbers, sort, reverse, 20)
        took = []
        for _ in range(RUNS):
            began = time.perf_counter()
            store.page(query)
            took.append(time.perf_counter() - began)
        whose = "a contact" if who else "the organization"
        newest = "newest first" if reverse else "oldest first"
        found[whose, sort, newest, types, days] = statistics.median(took)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=5_000_000)
    arguments = parser.parse_args()
    measured = []
    for count in (SMALL, arguments.events):
        store = opened(prepare(count))
        measured.append(times(store))
        store.close()
    small, large = measured
    worst = sorted(small, key=lambda name: large[name] / small[name], reverse=True)
    table = Table("page of 20", f"{SMALL:,}, ms", f"{arguments.events:,}, ms", "ratio")
    for name in worst[:SHOWN]:
        before, after = small[name] * 1000, large[name] * 1000
        ratio = f"{after / before:.2f}"
        table.add_row(", ".join(name), f"{before:.2f}", f"{after:.2f}", ratio)
    console = Console(soft_wrap=True)
    console.print(table)
    above = sum(large[name] > 1.5 * small[name] for name in small)
    console.print(f"{len(small)} combinations, {above} of them over 1.5")


if __name__ == "__main__":
    main()
