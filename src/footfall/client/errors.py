"""Every error of the client, named for what happened.

    ClientError
    ├── NoResponse                 no connection, or it broke off; all attempts failed
    ├── ResponseUnreadable         a response that the API does not document
    │   ├── EventUnreadable      an event whose fields have other types
    │   ├── ResponseTooLarge       a response of more bytes than are read of one
    │   └── ListCutOff           a list that may go on, and no way to go on
    ├── ArgumentInvalid          what was passed cannot be sent
    ├── SignatureWrong           a webhook that is not from who has the secret
    └── Refused                  a response with the status of an error
        ├── RequestInvalid       400, 409, 422: parameters, a body, a scrollId
        │   └── NothingStored    409: a batch of which nothing was stored
        ├── CredentialsRefused   401: wrong key or secret
        ├── Forbidden            403: the role or the scope does not suffice
        ├── ResourceUnknown      404, 410
        ├── RequestTooLarge      413
        ├── RateLimited          429, after all attempts
        └── ServerFailed         5xx, after all attempts

`status`, `code`, `detail` and `request_id` say what a `Refused` was about: `code` is
the end of footfall's problem type (`token-refused`), and `request_id` finds the request
in the server's log. Errors of another server than footfall have the code `refused`.
"""

from collections.abc import Sequence

import msgspec

from footfall.client.receipts import Receipt
from footfall.errors import FieldError, FootfallError


class ClientError(FootfallError):
    """The root of the tree above."""

    code = "client-error"


class NoResponse(ClientError):
    """There was no connection, or it broke off before the end of the response.

    `repeatable` tells whether another attempt may help.
    """

    code = "no-response"

    def __init__(self, detail: str, *, repeatable: bool = True):
        super().__init__(detail)
        self.repeatable = repeatable


class ResponseUnreadable(ClientError):
    """The response is not what the API documents."""

    code = "response-unreadable"


class EventUnreadable(ResponseUnreadable):
    """A field has another type than documented; `Event.to_dict` still works."""


class ResponseTooLarge(ResponseUnreadable):
    """The response has more bytes than the client reads of one."""


class ListCutOff(ResponseUnreadable):
    """The server gave as many events as asked for and no `scrollId` for the next."""


class ArgumentInvalid(ClientError):
    """What was passed cannot be sent."""

    code = "argument-invalid"


class SignatureWrong(ClientError):
    """The webhook is not signed with the secret, or is not of these minutes."""

    code = "signature-wrong"


class Problem(msgspec.Struct, frozen=True):
    """What a response says of an error.

    Attributes:
        status: The HTTP status.
        code: The end of footfall's problem type, such as `token-refused`.
        detail: A sentence for people.
        errors: What is wrong with single fields.
        request_id: The request's id in the server's log.
        retry_after_s: In how many seconds to try again, if the server says so.
    """

    status: int
    code: str
    detail: str
    errors: Sequence[FieldError] = ()
    request_id: str | None = None
    retry_after_s: float | None = None


class Refused(ClientError):
    """The server answered with the status of an error."""

    def __init__(self, problem: Problem):
        super().__init__(problem.detail, problem.errors)
        self.problem = problem
        self.status = problem.status
        self.code = problem.code
        self.request_id = problem.request_id
        self.retry_after_s = problem.retry_after_s

    def __str__(self) -> str:
        request = f", request {self.request_id}" if self.request_id else ""
        return f"{self.detail} ({self.status} {self.code}{request})"


class RequestInvalid(Refused):
    """Parameters, a body or a scrollId are not allowed."""


class NothingStored(RequestInvalid):
    """Every event of a batch was rejected; `receipt` has the reasons."""

    def __init__(self, problem: Problem, receipt: Receipt):
        super().__init__(problem)
        self.receipt = receipt


class CredentialsRefused(Refused):
    """The key or the secret is wrong."""


class Forbidden(Refused):
    """The credential does not allow this."""


class ResourceUnknown(Refused):
    """There is no such resource."""


class RequestTooLarge(Refused):
    """The body is over its limit."""


class RateLimited(Refused):
    """Over a rate limit."""


class ServerFailed(Refused):
    """The server cannot do it now."""


_BY_STATUS: dict[int, type[Refused]] = {
    400: RequestInvalid,
    401: CredentialsRefused,
    403: Forbidden,
    404: ResourceUnknown,
    409: RequestInvalid,
    410: ResourceUnknown,
    413: RequestTooLarge,
    422: RequestInvalid,
    429: RateLimited,
}
_SERVER_FAILED = 500


def refusal(problem: Problem) -> Refused:
    """Return the error of the tree for what a response says."""
    if problem.status >= _SERVER_FAILED:
        return ServerFailed(problem)
    return _BY_STATUS.get(problem.status, Refused)(problem)
