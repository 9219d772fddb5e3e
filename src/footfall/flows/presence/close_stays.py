"""Close stays: a stay is over when nothing was heard for the session timeout.

`core.stays.close_if_due` is the rule; a stay that lasted long enough becomes a visit.
"""

from collections.abc import Callable

import structlog
from prometheus_client import Counter

from footfall.core.instants import MINUTE
from footfall.core.shares import Mine, everything
from footfall.errors import FootfallError
from footfall.flows.presence.change_stays import UnitOfWork
from footfall.store import Store
from footfall.store.transaction import StoredStay, Transaction

STAYS_A_STEP = 200
# When a stay that could not be closed is tried again.
RETRY_AFTER = 10 * MINUTE
_log = structlog.get_logger()
_FAILED = Counter("footfall_stays_failed", "Stays that could not be closed for now.")


def close_due(store: Store, now: int, mine: Mine = everything) -> int:
    """Close the stays that are over; return how many events were made.

    The organizations take turns, one step each. If a step fails, its stays are closed
    one by one, and a stay that cannot be closed is tried again later.
    """
    made, waiting = 0, list(filter(mine, store.stays_due(now)))
    failed: FootfallError | None = None
    while waiting:
        more = []
        for organization in waiting:
            try:
                closed = store.transaction(organization, _closing(now)).result()
            except FootfallError as error:
                failed = error
                _FAILED.inc()
            except Exception as error:  # noqa: BLE001  a bad stay must not stop others
                _log.error("bug", error=type(error).__name__, place="close")
                made += _close_singly(store, organization, now)
            else:
                made += closed[1]
                more += [organization] if closed[0] == STAYS_A_STEP else []
        waiting = more
    if failed is not None:
        raise failed
    return made


def _closing(now: int) -> Callable[[Transaction], tuple[int, int]]:
    def close(transaction: Transaction) -> tuple[int, int]:
        due = transaction.stays.due(now, STAYS_A_STEP)
        return len(due), _close(transaction, due, now)

    return close


def _close(transaction: Transaction, due: list[StoredStay], now: int) -> int:
    unit = UnitOfWork(transaction, now, None, closing=True)
    unit.close(due)
    return unit.write()[0]


def _close_singly(store: Store, organization: str, now: int) -> int:
    """Close a step's stays one by one; put off those that cannot be closed."""
    due = store.read(
        organization, lambda transaction: transaction.stays.due(now, STAYS_A_STEP)
    )
    made = 0
    for one in due:

        def close(transaction: Transaction, number: int | None = one.number) -> int:
            again = transaction.stays.due(now, STAYS_A_STEP)
            return _close(transaction, [s for s in again if s.number == number], now)

        def postpone(transaction: Transaction, number: int = one.number or 0) -> None:
            transaction.stays.postpone(number, now + RETRY_AFTER)

        try:
            made += store.transaction(organization, close).result()
        except FootfallError:
            _FAILED.inc()
        except Exception as error:  # noqa: BLE001  as above
            _FAILED.inc()
            _log.error("a stay cannot be closed", error=type(error).__name__)
            store.transaction(organization, postpone).result()
    return made
