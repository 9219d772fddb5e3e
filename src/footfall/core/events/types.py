"""The types of events."""

import rapidfuzz

TYPE_LENGTH_MAX = 64

# The position of a type is its number in the store: only append.
TYPES = (
    "signup",
    "arriving",
    "login",
    "visit",
    "geo_arriving",
    "geo_visit",
    "send_email",
    "open_email",
    "click_email",
    "send_sms",
    "click_sms",
    "survey",
    "promo",
)
GEOFENCE_TYPES = frozenset({"geo_arriving", "geo_visit"})
TYPE_NUMBERS = {name: number for number, name in enumerate(TYPES)}


def unknown_type(name: str) -> str:
    """Say that there is no such event type, and which one was probably meant."""
    if len(name) > TYPE_LENGTH_MAX:
        return f"is not an event type; allowed: {', '.join(TYPES)}"
    nearest, _, _ = rapidfuzz.process.extractOne(name, TYPES)
    return (
        f"{name!r} is not an event type; the nearest is {nearest!r}, "
        f"allowed: {', '.join(TYPES)}"
    )
