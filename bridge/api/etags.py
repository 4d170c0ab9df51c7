"""Entity tags on listings: a client that names the one it has gets 304 without a body (RFC 9110, 8.8.3 and 13.1.2).

A listing of the model is the same as long as the model's revision and the query are, so its tag is known before the
listing is made. Where the answer holds more than the model (when something was received, say) the tag is a hash of
the body: that saves the transfer only. Tags are strong, so the packed form of an answer has one of its own; and they
differ from one process to the next, whose revisions count anew. Files that come with the bridge are the same for
everybody and in every process, and so are their tags.
"""

import secrets
from collections.abc import Callable
from hashlib import blake2b

from starlette.requests import Request
from starlette.responses import Response

from bridge.access import Caller
from bridge.api.compression import accepts_gzip

_BYTES = 8  # of a hash: two bodies of one revision do not meet by chance
_HEADERS = {
    "cache-control": "private, no-cache",  # keep it, but ask before it is used again
    "vary": "Accept-Encoding, Authorization",
}
_SHARED = {"cache-control": "no-cache", "vary": "Accept-Encoding"}


class Tagger:
    """Answers to listings, or 304. `revision` is that of the model."""

    def __init__(self, revision: Callable[[], int]) -> None:
        self._revision = revision
        self._boot = secrets.token_hex(4)

    def by_revision(self, caller: Caller, request: Request, answer: Callable[[], Response]) -> Response:
        """For answers that follow from the model and the query alone; `answer` is called only where it is needed."""
        tag = self._tag(request, f"{self._revision()}-{_query(request)}{_sight(caller)}")
        return _not_modified(tag) if _has(request, tag) else _tagged(answer(), tag)

    def by_body(self, caller: Caller, request: Request, answer: Response) -> Response:
        """For all others."""
        tag = self._tag(request, hashed(bytes(answer.body) + caller.sight.key.encode()))
        return _not_modified(tag) if _has(request, tag) else _tagged(answer, tag)

    def _tag(self, request: Request, content: str) -> str:
        return f'"{self._boot}-{content}{_form(request)}"'


def for_everybody(request: Request, digest: str, answer: Callable[[], Response]) -> Response:
    """For a file: `digest` is a hash of its content, `answer` is called only where it is needed."""
    tag = f'"{digest}{_form(request)}"'
    found = Response(status_code=304) if _has(request, tag) else answer()
    found.headers.update({"etag": tag, **_SHARED})
    return found


def hashed(content: bytes) -> str:
    return blake2b(content, digest_size=_BYTES).hexdigest()


def _form(request: Request) -> str:
    """What the tag of the packed form has beside that of the plain one."""
    return "-gzip" if accepts_gzip(request.scope["headers"]) else ""


def _query(request: Request) -> str:
    """The same for every order of the parameters."""
    return hashed(repr(sorted(request.query_params.items())).encode("utf-8", "surrogatepass"))


def _sight(caller: Caller) -> str:
    """Who sees something else has another answer."""
    return f"-{hashed(caller.sight.key.encode())}" if caller.sight.key else ""


def _has(request: Request, tag: str) -> bool:
    """Whether `If-None-Match` names the tag, weak or strong, or anything (`*`). Our tags hold no comma."""
    said = [one.strip() for line in request.headers.getlist("if-none-match") for one in line.split(",")]
    return "*" in said or tag in (one.removeprefix("W/") for one in said)


def _tagged(answer: Response, tag: str) -> Response:
    answer.headers.update({"etag": tag, **_HEADERS})
    return answer


def _not_modified(tag: str) -> Response:
    return _tagged(Response(status_code=304), tag)
