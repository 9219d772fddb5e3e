"""Retries: which errors are worth another attempt, and after how long.

stamina waits longer after each attempt, with jitter, and says each in the log. Where a
server says how long to wait (`Retry-After`), that counts.
"""

from typing import Any

import msgspec

from footfall.client.errors import NoResponse, Refused

RETRY_AFTER_MAX_S = 300
# The server did not get the whole request, or cannot do it just now.
_STATUSES = frozenset({408, 425, 429, 500, 502, 503, 504})
# The server did nothing of the request.
_UNDONE = frozenset({429, 503})
_BROKEN_OFF = "body-broken-off"


class RetryPolicy(msgspec.Struct, frozen=True):
    """How often and for how long a request is tried.

    Attributes:
        attempts: At most so often; None is for ever.
        timeout_s: No attempt begins after so many seconds; None is for ever.
        wait_max_s: The longest pause, unless the server asks for another.
    """

    attempts: int | None = 8
    timeout_s: float | None = 180
    wait_max_s: float = 20

    def tries(self, *, repeatable: bool = True) -> Any:
        """Return stamina's context: loop over it, and try within each attempt.

        Args:
            repeatable: Whether a request that the server may have done already, though
                its response got lost, may be sent again.
        """

        def wait(error: Exception) -> bool | float:
            undone = isinstance(error, Refused) and error.status in _UNDONE
            return wait_before_retry(error) if repeatable or undone else False

        import stamina

        return stamina.retry_context(
            wait, self.attempts, self.timeout_s, 0.25, self.wait_max_s, 0.5
        )


FOR_EVER = RetryPolicy(None, None)


def wait_before_retry(error: Exception) -> bool | float:
    """Tell whether another attempt may help, or after how many seconds."""
    if isinstance(error, NoResponse):
        return error.repeatable
    if not isinstance(error, Refused):
        return False
    if error.status not in _STATUSES and error.code != _BROKEN_OFF:
        return False
    if error.retry_after_s is None:
        return True
    return False if error.retry_after_s > RETRY_AFTER_MAX_S else error.retry_after_s
