"""Forget: delete observations and rejections after some days."""

from footfall.core.instants import DAY
from footfall.store import Store

REJECTIONS_KEPT = 7 * DAY


def forget(store: Store, now: int, observations_kept: int) -> None:
    """Delete the observations and the rejections that are old enough.

    Args:
        store: Where they are.
        now: This instant.
        observations_kept: For how many microseconds observations are kept.
    """
    while store.forget(now - observations_kept, now - REJECTIONS_KEPT).result():
        pass
