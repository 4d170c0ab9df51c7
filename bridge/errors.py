"""The error tree. Each leaf carries the HTTP status and the title of its i3X envelope.

    BridgeError
    ├── ConfigError            a mistake in the configuration; the command line exits with 2
    ├── StartError             cannot start or go on until a person acts (port taken, a TLS file that cannot be used,
    │                          another client that keeps taking over our client id); exit code 3
    └── RequestError           a caller's mistake or a limit; becomes an i3X error envelope
        ├── BadRequest  400    ├── Forbidden      403   ├── TooMany       429
        ├── Unauthorized 401   ├── NotFound       404   ├── NotBuilt      501
        ├── TooLarge    413    └── WrongMethod    405   └── Unavailable   503

Bad *data* (an undecodable payload) is never an exception: it is a `bridge.uns.Rejected` that is counted. Nor is a
broker that is away or refuses us, also because of our credentials: the source tries again for ever and tells why.
"""

from collections.abc import Sequence
from typing import ClassVar


class BridgeError(Exception):
    """Root of everything this package raises on purpose."""


class ConfigError(BridgeError):
    """Mistakes in the configuration, one line each: key, value, what is allowed."""

    def __init__(self, mistakes: Sequence[str]) -> None:
        super().__init__("\n".join(mistakes))
        self.mistakes = tuple(mistakes)


class StartError(BridgeError):
    """The daemon cannot start, or not go on, until a person changes something."""


class RequestError(BridgeError):
    """A request that cannot be answered; `str()` is the `detail` of the envelope."""

    status: ClassVar[int] = 500
    title: ClassVar[str] = "Internal Server Error"
    retry_after: int | None = None  # seconds after which the same request may do better

    def __init__(self, text: str, retry_after: int | None = None) -> None:
        super().__init__(text)
        if retry_after is not None:
            self.retry_after = retry_after


class BadRequest(RequestError):
    status, title = 400, "Bad Request"


class Unauthorized(RequestError):
    status, title = 401, "Unauthorized"


class Forbidden(RequestError):
    status, title = 403, "Forbidden"


class NotFound(RequestError):
    status, title = 404, "Not Found"


class WrongMethod(RequestError):
    status, title = 405, "Method Not Allowed"


class TooLarge(RequestError):
    status, title = 413, "Content Too Large"


class TooMany(RequestError):
    status, title = 429, "Too Many Requests"
    retry_after = 5


class NotBuilt(RequestError):
    status, title = 501, "Not Implemented"


class Unavailable(RequestError):
    status, title = 503, "Service Unavailable"
    retry_after = 5
