"""`footfall serve`."""

import os
import sys

from footfall import settings


def serve(
    *, store: str | None = None, host: str | None = None, port: int | None = None
) -> None:
    """Serve the API until SIGTERM or Ctrl-C, and finish the requests under way.

    Example: footfall serve --store sqlite:/var/lib/footfall/footfall.db --port 8000

    Args:
        store: Where the events are: sqlite:PATH (FOOTFALL_STORE).
        host: The address to listen on (FOOTFALL_HOST).
        port: The port to listen on; 0 finds a free one (FOOTFALL_PORT).
    """
    from footfall import server

    chosen = settings.load(os.environ, store=store, host=host, port=port)
    server.serve(chosen, _say)


def _say(address: str, *, radius: str) -> None:
    sys.stdout.write(
        f"footfall serves {address} (API docs: {address}/docs)\n{radius}\n"
    )
    sys.stdout.flush()
