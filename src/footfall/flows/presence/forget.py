"""Forget: delete observations, rejections and webhooks' attempts after some days."""

from footfall.core.instants import DAY
from footfall.store import Store

REJECTIONS_KEPT = 7 * DAY


def forget(store: Store, now: int, observations_kept: int) -> None:
    """Delete observations after the given time, rejections and attempts after 7 days.

    Args:
        store: Where they are.
        now: This instant.
        observations_kept: For how many microseconds observations are kept.
    """
    while store.forget(now - observations_kept, now - REJECTIONS_KEPT).result():
        pass
