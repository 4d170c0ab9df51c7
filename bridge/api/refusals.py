"""Answers to what never becomes a request: whole, in the standard's envelope, and the last of their connection."""

from collections.abc import Sequence
from http import HTTPStatus

from msgspec import Struct

from bridge.api.answers import error_body
from bridge.api.headers import dressed


class Refusal(Struct, frozen=True):
    """`reason` is what it is counted as."""

    reason: str
    status: HTTPStatus
    text: str
    retry_after: int | None = None

    def answer(self, default_headers: Sequence[tuple[bytes, bytes]]) -> bytes:
        """As it goes over the wire."""
        status = self.status
        response = error_body(status.value, status.phrase, self.text)
        own = [(b"connection", b"close")]
        if self.retry_after is not None:
            own.append((b"retry-after", b"%d" % self.retry_after))
        headers = [*default_headers, *dressed(response.raw_headers, own)]
        lines = [b"HTTP/1.1 %d %s" % (status.value, status.phrase.encode()), *(b": ".join(pair) for pair in headers)]
        return b"\r\n".join((*lines, b"", bytes(response.body)))


MALFORMED = Refusal("malformed", HTTPStatus.BAD_REQUEST, "this is no HTTP request that can be understood")
LONG_TARGET = Refusal("head too large", HTTPStatus.REQUEST_URI_TOO_LONG, "the path and query are too long")
LARGE_HEAD = Refusal(
    "head too large", HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, "the headers are too many or too long"
)
SLOW_HEAD = Refusal("slow head", HTTPStatus.REQUEST_TIMEOUT, "the request's head took too long")
SLOW_BODY = Refusal("slow body", HTTPStatus.REQUEST_TIMEOUT, "the request's body took too long")
FULL = Refusal("full", HTTPStatus.SERVICE_UNAVAILABLE, "too many connections are open; try again later", retry_after=5)
