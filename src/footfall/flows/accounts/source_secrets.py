"""Source secrets: the addresses for equipment, and the secrets that prove a sender.

Checking a RADIUS packet or a signature needs the secret itself, so a hash would not do:
it is stored sealed under a key that is not in the database (AES-SIV, RFC 5297).
"""

import ipaddress
import secrets
from collections.abc import Iterator

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

from footfall.errors import FieldError, Invalid, LocationUnknown, SourceUnknown
from footfall.store import Store
from footfall.store.transaction import Source, Transaction

KINDS = ("radius", "freeradius", "meraki", "mist")
# Written as hex: many programs would read text that begins with `-` as an option. Some
# access points take no more than 32 characters.
SECRET_BYTES = 16
SECRET_LENGTH_MIN, SECRET_LENGTH_MAX = 4, 128
TEXT_LENGTH_MAX = 200
NETWORKS_MAX = 100
SOURCES_MAX = 1_000


class NewSource(msgspec.Struct, frozen=True):
    """A source that was just made; its secret is shown only now."""

    source: Source
    secret: str


class SourceSecrets:
    """Makes sources, and opens their secrets."""

    def __init__(self, store: Store, key: bytes):
        self.store = store
        self._cipher = AESSIV(key)

    def create(  # noqa: PLR0913  the command has as many
        self,
        organization: str,
        kind: str,
        now: int,
        *,
        secret: str | None = None,
        validator: str | None = None,
        location: str | None = None,
        networks: tuple[str, ...] = (),
        name: str | None = None,
    ) -> NewSource:
        """Make a source; without a secret it gets a random one.

        Raises:
            Invalid: An argument cannot be used; has every reason.
            LocationUnknown: There is no such location.
            OrganizationUnknown: There is no such tenant.
        """
        if secret is None:
            secret = secrets.token_hex(SECRET_BYTES)
        errors = list(_wrong(kind, secret, validator, networks, name))
        if errors:
            text = "; ".join(f"{e.field} {e.message}" for e in errors)
            raise Invalid(f"The source cannot be made: {text}.", errors)
        source_id = secrets.token_hex(16)
        source = Source(
            id=source_id,
            organization=organization,
            kind=kind,
            created_at=now,
            secret=self.seal(source_id, secret),
            validator=validator,
            location=location,
            networks=networks,
            name=name,
        )

        def work(transaction: Transaction) -> None:
            if (
                location is not None
                and transaction.registry.load().location(location) is None
            ):
                raise LocationUnknown(f"There is no location {location[:64]}.")
            if len(transaction.sources.all()) >= SOURCES_MAX:
                raise Invalid(
                    f"This organization has {SOURCES_MAX} sources, which is the most "
                    "that is allowed."
                )
            transaction.sources.put(source)

        self.store.transaction(organization, work).result()
        return NewSource(source, secret)

    def seal(self, source_id: str, secret: str) -> bytes:
        """Return a secret as it is kept; it opens only for the same source."""
        return self._cipher.encrypt(secret.encode(), [source_id.encode()])

    def open(self, source: Source) -> str:
        """Return a source's secret.

        Raises:
            SourceUnknown: It was sealed under another FOOTFALL_SECRET.
        """
        try:
            return self._cipher.decrypt(source.secret, [source.id.encode()]).decode()
        except InvalidTag:
            raise SourceUnknown(
                f"The secret of source {source.id} was sealed under another "
                "FOOTFALL_SECRET; make the source again."
            ) from None

    def can_open(self, source: Source) -> bool:
        """Tell whether a source's secret was sealed under this FOOTFALL_SECRET."""
        try:
            self.open(source)
        except SourceUnknown:
            return False
        return True


def _wrong(
    kind: str,
    secret: str,
    validator: str | None,
    networks: tuple[str, ...],
    name: str | None,
) -> Iterator[FieldError]:
    if kind not in KINDS:
        yield FieldError(
            "kind", f"{kind[:64]!r} is not known; allowed: {', '.join(KINDS)}"
        )
    length = len(secret)
    if not SECRET_LENGTH_MIN <= length <= SECRET_LENGTH_MAX or not secret.isascii():
        allowed = f"{SECRET_LENGTH_MIN} to {SECRET_LENGTH_MAX} ASCII characters"
        yield FieldError("secret", f"is not {allowed}")
    if kind == "meraki" and not validator:
        yield FieldError("validator", "is missing; Meraki's dashboard shows it")
    for field, text in (("validator", validator), ("name", name)):
        if text and not (text.isprintable() and len(text) <= TEXT_LENGTH_MAX):
            message = f"is not up to {TEXT_LENGTH_MAX} printable characters"
            yield FieldError(field, message)
    yield from _wrong_networks(networks)


def _wrong_networks(networks: tuple[str, ...]) -> Iterator[FieldError]:
    if len(networks) > NETWORKS_MAX:
        yield FieldError("addresses", f"at most {NETWORKS_MAX} are allowed")
    for network in networks[:NETWORKS_MAX]:
        try:
            ipaddress.ip_network(network)
        except ValueError as error:
            yield FieldError("addresses", str(error)[:TEXT_LENGTH_MAX])
