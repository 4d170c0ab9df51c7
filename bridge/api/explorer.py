"""The explorer page at `/` and its files below `/web/`: open to everybody, because they hold no data.

They are read once, so that an upgrade of the files below a running bridge never mixes two versions of the page, and so
that no path leads anywhere else: what is not in the table of files is not there. Tags are hashes of the content, and
browsers ask each time whether it is still the same: they get a new version at once.
"""

from collections.abc import Mapping
from functools import cache
from pathlib import Path

from msgspec import Struct, structs
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from bridge.api.etags import for_everybody, hashed
from bridge.api.headers import POLICY, policy
from bridge.errors import NotFound, WrongMethod
from bridge.web import FOLDER

PREFIX = "/web/"
PAGE = "index.html"
# By suffix, as browsers want them; what the machine's own table of types says differs from one to the next.
KINDS: Mapping[str, str] = {
    ".css": "text/css",
    ".html": "text/html",
    ".js": "text/javascript",
    ".json": "application/json",
    ".md": "text/markdown",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".txt": "text/plain",
    ".woff2": "font/woff2",
}


class File(Struct, frozen=True):
    """`digest` is a hash of the content."""

    content: bytes
    kind: str
    digest: str

    def answer(self, request: Request) -> Response:
        return for_everybody(request, self.digest, lambda: Response(self.content, media_type=self.kind))


def files_of(folder: Path) -> dict[str, File]:
    """All files of a folder of which the kind is known, by their paths below it."""
    found: dict[str, File] = {}
    for path in sorted(folder.rglob("*")):
        kind = KINDS.get(path.suffix)
        if kind is not None and path.is_file():
            content = path.read_bytes()
            found[path.relative_to(folder).as_posix()] = File(content, kind, hashed(content))
    return found


@cache
def shipped() -> Mapping[str, File]:
    """The files that come with the bridge."""
    return files_of(FOLDER)


def page(request: Request, other: str) -> Response:
    """What `/` answers. `other` is an origin that the page may ask: its tag names it, too, because browsers keep the
    policy with the page.
    """
    found = _file(PAGE)
    if not other:
        return found.answer(request)
    found = structs.replace(found, digest=hashed(f"{found.digest} {other}".encode()))
    answer = found.answer(request)
    answer.headers[POLICY] = policy(other)
    return answer


async def serve(scope: Scope, receive: Receive, send: Send) -> None:
    """An ASGI application: the files below `/web/`. Raises `RequestError`."""
    if scope["method"] not in ("GET", "HEAD"):
        raise WrongMethod(f"{scope['method']} is not allowed here; allowed are GET, HEAD")
    name = scope["path"].removeprefix(PREFIX)
    if name == PAGE:
        raise NotFound("the page is at /, where its relative links hold")
    await _file(name).answer(Request(scope))(scope, receive, send)


def _file(name: str) -> File:
    found = shipped().get(name)
    if found is None:
        raise NotFound("no such file")
    return found
