"""The explorer page's files: what is served, as what, how long it is good, and that nothing else is reached."""

from pathlib import Path

import pytest
from inprocess import InProcess, checked

from bridge.access import Principal
from bridge.api import explorer
from bridge.web import FOLDER

CONTENT = {
    "index.html": "<!doctype html><title>x</title>",
    "app.js": "export const a = 1;\n",
    "style.css": "p { margin: 0 }\n",
    "icon.svg": '<svg xmlns="http://www.w3.org/2000/svg"/>\n',
    "vendor/chart/LICENSE.txt": "free\n",
    "vendor/chart/chart.js": "export const b = 2;\n",
    "__init__.py": "secret = 1\n",
    "vendor/.hidden": "secret = 2\n",
}
TYPES = {
    "app.js": "text/javascript; charset=utf-8",
    "style.css": "text/css; charset=utf-8",
    "icon.svg": "image/svg+xml",
    "vendor/chart/LICENSE.txt": "text/plain; charset=utf-8",
    "vendor/chart/chart.js": "text/javascript; charset=utf-8",
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Files of ours instead of those that come with the bridge."""
    place = tmp_path / "web"
    for name, text in CONTENT.items():
        path = place / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    (tmp_path / "outside.txt").write_text("secret = 3\n", encoding="utf-8")
    monkeypatch.setattr(explorer, "FOLDER", place)
    explorer.shipped.cache_clear()
    return place


@pytest.fixture(autouse=True)
def forgetful() -> object:
    """No test leaves its files to the next one."""
    yield
    explorer.shipped.cache_clear()


@pytest.mark.parametrize(("name", "kind"), TYPES.items())
@pytest.mark.usefixtures("folder")
def test_types(bridge: InProcess, name: str, kind: str) -> None:
    """A file comes whole, as what it is, whatever the machine's own table says; browsers ask again each time."""
    answer = bridge.ask("GET", f"/web/{name}")
    assert (answer.status_code, answer.text) == (200, CONTENT[name])
    assert answer.headers["content-type"] == kind
    assert answer.headers["cache-control"] == "no-cache"
    assert answer.headers["vary"] == "Accept-Encoding"


@pytest.mark.usefixtures("folder")
def test_page(bridge: InProcess) -> None:
    """The page is at /, and only there: its links are relative."""
    answer = bridge.ask("GET", "/")
    assert (answer.status_code, answer.text) == (200, CONTENT["index.html"])
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["cache-control"] == "no-cache"
    checked(bridge.ask("GET", "/web/index.html"), 404)


@pytest.mark.parametrize("path", ["/", "/web/app.js"])
@pytest.mark.usefixtures("folder")
def test_not_modified(bridge: InProcess, path: str) -> None:
    """Who has the file gets no second copy; the packed form has a tag of its own."""
    plain, packed = bridge.ask("GET", path), bridge.ask("GET", path, accept_encoding="gzip")
    assert plain.content == packed.content
    assert packed.headers["etag"] == plain.headers["etag"][:-1] + '-gzip"'
    again = bridge.ask("GET", path, if_none_match=f'"x", W/{plain.headers["etag"]}')
    assert (again.status_code, again.content) == (304, b"")
    assert {again.headers[name] for name in ("etag", "cache-control")} == {plain.headers["etag"], "no-cache"}
    assert bridge.ask("GET", path, if_none_match=packed.headers["etag"]).status_code == 200


def test_tags_follow_the_content(bridge: InProcess, folder: Path) -> None:
    """Another version of a file has another tag, one of another process the same."""
    before = bridge.ask("GET", "/web/app.js").headers["etag"]
    explorer.shipped.cache_clear()
    assert InProcess().ask("GET", "/web/app.js").headers["etag"] == before
    (folder / "app.js").write_text("export const a = 2;\n", encoding="utf-8")
    explorer.shipped.cache_clear()
    assert bridge.ask("GET", "/web/app.js").headers["etag"] != before


@pytest.mark.parametrize(
    "path",
    ["/web", "/web/", "/web/nothing.js", "/web/vendor", "/web/vendor/", "/web/__init__.py", "/web/vendor/.hidden",
     "/web/../outside.txt", "/web/%2e%2e/outside.txt", "/web/..%2foutside.txt", "/web//app.js",
     "/web/app.js/", "/web/App.js", "/web/app.js%00", "/web/%2fetc/passwd"],
)  # fmt: skip
@pytest.mark.usefixtures("folder")
def test_nothing_else(bridge: InProcess, path: str) -> None:
    """Neither what is beside the folder, nor what is in it and no part of the page."""
    assert "secret" not in str(checked(bridge.ask("GET", path), 404))


@pytest.mark.usefixtures("folder")
def test_methods(bridge: InProcess) -> None:
    """Files are only read."""
    for method in ("POST", "PUT", "DELETE"):
        checked(bridge.ask(method, "/web/app.js"), 405)
    assert bridge.ask("HEAD", "/web/app.js").status_code == 200
    assert bridge.ask("HEAD", "/web/nothing.js").status_code == 404


@pytest.mark.usefixtures("folder")
def test_open() -> None:
    """Who has not signed in gets the page, which asks them to."""
    bridge = InProcess(principals={"reader": Principal("reader", read=("#",))}, public=())
    assert [bridge.ask("GET", path).status_code for path in ("/", "/web/app.js")] == [200, 200]
    assert bridge.ask("GET", "/me").status_code != 200


def test_without_a_page(bridge: InProcess, folder: Path) -> None:
    """An installation without the page still serves the API."""
    (folder / "index.html").unlink()
    checked(bridge.ask("GET", "/"), 404)


def test_what_is_shipped() -> None:
    """There is a page, and each file beside it is of a kind that is served."""
    names = {
        path.relative_to(FOLDER).as_posix()
        for path in FOLDER.rglob("*")
        if path.is_file() and path.suffix not in (".py", ".pyc")
    }
    assert "index.html" in names
    assert names == set(explorer.shipped())
