"""`footfall analytics …`."""

from footfall.cli.output import opened, say


def rebuild(*, organization: str | None = None, store: str | None = None) -> None:
    """Count again from the stored events; servers may go on.

    Example: footfall analytics rebuild --organization ID

    Args:
        organization: Only this organization; all by default.
        store: Where the events are: sqlite:PATH (FOOTFALL_STORE).
    """
    from footfall.flows.analytics import update

    with opened(store) as data:
        names = [one.id for one in data.organizations()]
        for name in names if organization is None else [organization]:
            update.rebuild(data, name)
            say(f"{name} is counted again.")
