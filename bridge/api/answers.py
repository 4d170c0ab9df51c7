"""The envelopes of the standard, straight to bytes (i3x-1.0.md section 1)."""

from collections.abc import Sequence
from operator import itemgetter
from typing import Any, TypeAlias

import msgspec
from starlette.responses import Response

from bridge.errors import RequestError, Unauthorized

Item: TypeAlias = dict[str, Any]

_success = itemgetter("success")
_encode = msgspec.json.Encoder().encode
_CHALLENGE = 'Bearer realm="i3x-bridge"'  # Basic is taken too; told, browsers would ask in a window of their own
_CONTENT_TYPE = (b"content-type", b"application/json")


class Json(Response):
    """A JSON body that is encoded once, with the two headers that it needs and nothing looked up."""

    def __init__(self, content: Any, status: int = 200) -> None:  # noqa: ANN401 - whatever JSON can say
        self.status_code = status
        self.background = None
        self.body = _encode(content)
        self.raw_headers = [_CONTENT_TYPE, (b"content-length", b"%d" % len(self.body))]


def detail(status: int, title: str, text: str) -> Item:
    return {"title": title, "status": status, "detail": text}


def partial(text: str) -> Item:
    """The `responseDetail` of a 206: what was cut, and what to do about it."""
    return detail(206, "Partial Content", text)


def success(result: Any, cut: Item | None = None) -> Response:  # noqa: ANN401 - whatever JSON can say
    """A single result; with `cut` it is a 206."""
    if cut is None:
        return Json({"success": True, "result": result})
    return Json({"success": True, "result": result, "responseDetail": cut}, 206)


def done(ident: str, result: Any, key: str = "elementId") -> Item:  # noqa: ANN401 - whatever JSON can say
    return {"success": True, key: ident, "result": result}


def failed(ident: str, error: RequestError, key: str = "elementId") -> Item:
    return {"success": False, key: ident, "responseDetail": detail(error.status, error.title, str(error))}


def missing(ident: str, kind: str = "element") -> Item:
    return {"success": False, "elementId": ident, "responseDetail": _MISSING[kind]}


def bulk(items: Sequence[Item], cut: Item | None = None) -> Response:
    """Items in the order of the request; never a top-level `result`, on which a widely used client breaks."""
    body: Item = {"success": all(map(_success, items)), "results": items}
    if cut is None:
        return Json(body)
    body["responseDetail"] = cut
    return Json(body, 206)


def refusal(error: RequestError) -> Response:
    """An error as an answer, with what HTTP wants beside it (RFC 9110, 10.2.3 and 11.6.1)."""
    answer = error_body(error.status, error.title, str(error))
    if error.retry_after is not None:
        answer.headers["retry-after"] = str(error.retry_after)
    if error.status == Unauthorized.status:
        answer.headers["www-authenticate"] = _CHALLENGE
    return answer


def error_body(status: int, title: str, text: str) -> Response:
    return Json({"success": False, "responseDetail": detail(status, title, text)}, status)


_MISSING = {
    kind: detail(404, "Not Found", f"no such {kind}") for kind in ("element", "object type", "relationship type")
}
