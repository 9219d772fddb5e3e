"""Identities: what a contact is known by, normalised.

Established libraries check phone numbers and e-mail addresses: Google's libphonenumber
(`phonenumbers`) and `email-validator`.
"""

import functools
from collections.abc import Callable

KINDS = ("username", "email", "phone")
LENGTH_MAX = 254


def _username(text: str) -> str:
    if not text or len(text) > LENGTH_MAX or not text.isprintable():
        raise ValueError(f"is not 1 to {LENGTH_MAX} printable characters")
    return text


def _email(text: str) -> str:
    # Imported with the first address: the import takes longer than a whole command.
    from email_validator import EmailNotValidError, validate_email  # noqa: PLC0415

    try:
        found = validate_email(
            text[: LENGTH_MAX + 1], check_deliverability=False, test_environment=True
        )
    except EmailNotValidError as error:
        raise ValueError(f"is not an email address: {error}") from None
    return found.normalized.lower()


def _phone(text: str) -> str:
    import phonenumbers  # noqa: PLC0415  as above

    try:
        number = phonenumbers.parse(text[:32])
    except phonenumbers.NumberParseException:
        number = None
    if number is None or not phonenumbers.is_possible_number(number):
        raise ValueError("is not a phone number in E.164, such as +390502212345")
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


_FORMS: dict[str, Callable[[str], str]] = {
    "username": _username,
    "email": _email,
    "phone": _phone,
}


@functools.lru_cache(1024)
def normalise(kind: str, text: str) -> str:
    """Return the normalised form of an identity.

    Raises:
        ValueError: It is not of its kind; the message says what is allowed.
    """
    return _FORMS[kind](text.strip())


def sought_email(text: str) -> str:
    """Return the spelling by which an e-mail is looked up.

    What cannot be one is looked up too, and finds nobody.
    """
    try:
        return normalise("email", text[: 2 * LENGTH_MAX])
    except ValueError:
        return text[:LENGTH_MAX].strip().lower()
