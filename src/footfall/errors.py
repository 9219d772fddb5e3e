"""Every error that footfall raises on purpose, named for what happened.

    FootfallError
    ├── Invalid                    409  a request that cannot be understood
    │   ├── ParameterInvalid       409  a query parameter
    │   ├── BodyInvalid            409  a request body
    │   ├── NothingAccepted        409  a batch of which nothing could be stored
    │   ├── ScrollTampered         409  a scrollId that footfall did not make
    │   └── ScrollMismatch         409  a scrollId of another query
    ├── CredentialsWrong           401  login with a wrong key or secret
    ├── TokenMissing               401  no bearer token where one is needed
    ├── SignedOut                  401  no session of a person where one is needed
    ├── LogoutRefused              401  logout with a token that is not valid
    ├── TokenRefused               403  malformed, expired or revoked
    ├── NotAllowed                 403  another organization, role or scope
    │   └── ScrollForeign          403  another organization's scrollId
    ├── CrossSite                  403  another site's request to the console
    ├── NotFound                   404  no such resource
    │   ├── ContactUnknown         404
    │   ├── OrganizationUnknown    404
    │   ├── LocationUnknown        404
    │   ├── HotspotUnknown         404
    │   ├── SourceUnknown          404
    │   ├── ServiceUnknown         404
    │   └── WebhookUnknown         404
    ├── AlreadyExists              409  an id or an identity that is taken
    ├── BodyTooSlow                408  a body that did not arrive in time
    ├── BodyBrokenOff              400  a body that ended too early
    ├── TooLarge                   413  a body over its limit
    ├── TooManyRequests            429  over the rate limit
    ├── Overloaded                 503  all senders together send too much
    ├── StoreError                 503  the store cannot do it now
    │   ├── StoreForeign           503  the file is another program's
    │   ├── StoreNewer             503  the file was made by a newer footfall
    │   ├── StoreUnwritable        503  no right to write, or a read-only disk
    │   ├── SecretWrong            503  keys sealed under another secret
    │   ├── EngineTooOld           503  an SQLite library that can corrupt its file
    │   └── StoreFull              507  no space left on the disk
    ├── SettingInvalid                  a setting that cannot be used (start only)
    ├── AddressTaken                    the port cannot be used (start only)
    └── EquipmentUnheard                a server does not accept a simulation

Each has a stable `code`, the last part of the problem's `type` (RFC 9457), and the HTTP
`status` of its answer. `detail` is one sentence for the person who gets the error; it
never holds a secret.
"""

from collections.abc import Sequence

import msgspec


class FieldError(msgspec.Struct, frozen=True):
    """What was wrong with one field or parameter, and what is allowed."""

    field: str
    message: str

    def __str__(self) -> str:
        return f"{self.field}: {self.message}" if self.field else self.message


class ItemRejected(Exception):
    """One item of a batch cannot be taken, for each of these reasons.

    It never becomes an answer: the item is listed among the rejections of its batch.
    """

    def __init__(self, errors: Sequence[FieldError], item_id: str | None = None):
        super().__init__("; ".join(map(str, errors)))
        self.errors = tuple(errors)
        self.item_id = item_id


class FootfallError(Exception):
    """The root of the tree above."""

    code: str = "error"
    title: str = "Something went wrong"
    status: int = 500

    def __init__(self, detail: str, errors: Sequence[FieldError] = ()):
        super().__init__(detail)
        self.detail = detail
        self.errors = tuple(errors)


class Invalid(FootfallError):
    """A request that cannot be understood."""

    code = "invalid"
    title = "Invalid parameters"
    status = 409


class ParameterInvalid(Invalid):
    """A query parameter has a value that is not allowed."""

    code = "parameter-invalid"

    @classmethod
    def of(cls, *errors: FieldError) -> "ParameterInvalid":
        """Say what is wrong with each of some parameters."""
        return cls(f"{'; '.join(map(str, errors))}.", errors)


class BodyInvalid(Invalid):
    """A request body could not be read."""

    code = "body-invalid"
    title = "Invalid body"


class NothingAccepted(Invalid):
    """Every event of a batch was rejected."""

    code = "nothing-accepted"
    title = "Nothing was accepted"


class ScrollTampered(Invalid):
    """footfall did not make the scrollId."""

    code = "scroll-tampered"
    title = "Invalid scrollId"


class ScrollMismatch(Invalid):
    """The scrollId belongs to a query with other parameters."""

    code = "scroll-mismatch"
    title = "The scrollId belongs to another query"


class CredentialsWrong(FootfallError):
    """The clientKey or the clientSecret is wrong; the answer does not say which."""

    code = "credentials-wrong"
    title = "Wrong credentials"
    status = 401


class TokenMissing(FootfallError):
    """The request carries no bearer token."""

    code = "token-missing"
    title = "A token is needed"
    status = 401


class SignedOut(FootfallError):
    """Nobody is signed in, or the session has ended."""

    code = "signed-out"
    title = "Sign in first"
    status = 401


class CrossSite(FootfallError):
    """A request to the console's own routes that another site made."""

    code = "cross-site"
    title = "Not from the console"
    status = 403


class LogoutRefused(FootfallError):
    """Logout came with a token that is not valid."""

    code = "logout-refused"
    title = "Wrong credentials"
    status = 401


class TokenRefused(FootfallError):
    """The token is malformed, expired or revoked."""

    code = "token-refused"
    title = "Token invalid or expired"
    status = 403


class NotAllowed(FootfallError):
    """The token is valid, but does not allow this."""

    code = "not-allowed"
    title = "Not allowed"
    status = 403


class ScrollForeign(NotAllowed):
    """The scrollId was made for another organization."""

    code = "scroll-foreign"


class NotFound(FootfallError):
    """There is no such resource."""

    code = "not-found"
    title = "Not found"
    status = 404


class ContactUnknown(NotFound):
    """The organization never saw this contact."""

    code = "contact-unknown"


class OrganizationUnknown(NotFound):
    """There is no organization with this id."""

    code = "organization-unknown"


class LocationUnknown(NotFound):
    """The organization has no location with this id."""

    code = "location-unknown"


class HotspotUnknown(NotFound):
    """The organization has no hotspot with this id."""

    code = "hotspot-unknown"


class SourceUnknown(NotFound):
    """There is no source at this address."""

    code = "source-unknown"


class ServiceUnknown(NotFound):
    """The organization has no service with this clientKey."""

    code = "service-unknown"


class WebhookUnknown(NotFound):
    """The organization has no webhook, or the webhook no delivery, with this id."""

    code = "webhook-unknown"


class AlreadyExists(FootfallError):
    """The id or the identity is taken already."""

    code = "already-exists"
    title = "Already exists"
    status = 409


class TooLarge(FootfallError):
    """The body, or what it unpacks to, is over its limit."""

    code = "too-large"
    title = "Too large"
    status = 413


class BodyTooSlow(FootfallError):
    """The body did not arrive in time."""

    code = "body-too-slow"
    title = "Too slow"
    status = 408


class BodyBrokenOff(FootfallError):
    """The body ended before its length, or its chunks are malformed."""

    code = "body-broken-off"
    title = "Incomplete body"
    status = 400


class TooManyRequests(FootfallError):
    """More requests than the limit allows.

    `limit` is how many are allowed at once, `policy` the value of `RateLimit-Policy`,
    `retry_after_s` in how many seconds to try again.
    """

    code = "too-many-requests"
    title = "Too many requests"
    status = 429

    def __init__(self, detail: str, limit: int, policy: str, retry_after_s: int):
        super().__init__(detail)
        self.limit = limit
        self.policy = policy
        self.retry_after_s = retry_after_s


class Overloaded(FootfallError):
    """All senders together send more than the server can hold.

    `retry_after_s` is in how many seconds to try again.
    """

    code = "overloaded"
    title = "Overloaded"
    status = 503

    def __init__(self, detail: str, retry_after_s: int):
        super().__init__(detail)
        self.retry_after_s = retry_after_s


class StoreError(FootfallError):
    """The store cannot do this now; sending the request again is safe."""

    code = "store-unavailable"
    title = "The store is unavailable"
    status = 503


class StoreForeign(StoreError):
    """The file is not a footfall database."""

    code = "store-foreign"


class StoreNewer(StoreError):
    """The file was written by a newer footfall."""

    code = "store-newer"


class StoreUnwritable(StoreError):
    """The file or its folder cannot be written."""

    code = "store-unwritable"


class SecretWrong(StoreError):
    """The keys in the database are sealed under another secret."""

    code = "secret-wrong"


class EngineTooOld(StoreError):
    """The SQLite library inside has a bug that corrupts databases."""

    code = "engine-too-old"


class StoreFull(StoreError):
    """There is no space left on the store's disk."""

    code = "store-full"
    title = "No space left"
    status = 507


class SettingInvalid(FootfallError):
    """A setting has a value that cannot be used."""

    code = "setting-invalid"
    title = "Invalid setting"


class AddressTaken(FootfallError):
    """Another program listens there, or footfall may not."""

    code = "address-taken"
    title = "Address taken"


class EquipmentUnheard(FootfallError):
    """The server does not accept what simulated equipment sends."""

    code = "equipment-unheard"
    title = "The server does not accept the equipment"
