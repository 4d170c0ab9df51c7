"""The house: imports run one way, the core is pure, and what surrounds the package agrees with it."""

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from bridge.config import load

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "bridge"

# Room → the rooms that it may import; what those may import, it may import too.
CORE = ("errors", "uns", "space", "subscriptions", "engine")
ROOMS: dict[str, tuple[str, ...]] = {
    "": (),
    "errors": (),
    "logs": (),
    "uns": ("errors",),
    "space": ("errors", "uns"),
    "subscriptions": ("errors", "space"),
    "engine": ("errors", "uns", "space", "subscriptions"),
    "config": ("errors",),
    "model": ("errors", "uns", "space", "config"),
    "history": ("space", "config"),
    "state": ("errors", "uns", "space", "engine", "config"),
    "sources": ("uns", "config", "logs"),
    "explain": ("engine",),
    "access": ("errors", "uns", "space", "config", "logs"),
    "writing": ("errors", "uns", "space", "engine", "config", "sources", "access"),
    "web": (),
    "api": ("engine", "history", "config", "explain", "access", "writing", "web"),
}
# These see everything, and only they see each other.
WIRING = (
    "assembly",
    "flow",
    "metrics",
    "status",
    "losses",
    "daemon",
    "listening",
    "demo",
    "inquiry",
    "learn",
    "export",
    "notify",
    "ledger",
    "cli",
    "tokens",
    "__main__",
)

# What a core without network, disk, event loop and clock cannot need.
IMPURE = {
    *("asyncio", "concurrent", "multiprocessing", "os", "pathlib", "select", "selectors", "shutil", "signal"),
    *("socket", "sqlite3", "ssl", "subprocess", "tempfile", "threading", "time", "urllib.request", "uuid"),
    *("aiomqtt", "anyio", "paho", "prometheus_client", "pydantic", "sse_starlette", "starlette", "uvicorn"),
}
CLOCKS = {"now", "utcnow", "today"}  # datetime's

COMMANDS = ("demo", "test", "check", "bench")
MAX_COMMAND_LINES = 10

DURABLE = {
    "max_queued_messages": "0",
    "persistence": "true",
    "autosave_interval": "1",
    "autosave_on_changes": "true",
    "set_tcp_nodelay": "true",
}


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def room_of(module: str) -> str:
    """The level below `bridge`; "" is the package itself."""
    return module.partition(".")[2].partition(".")[0]


def reachable(room: str) -> set[str]:
    return {room, ""}.union(*(reachable(other) for other in ROOMS[room]))


def is_module(name: str) -> bool:
    return (PACKAGE / name).is_dir() or (PACKAGE / f"{name}.py").is_file()


def imports(path: Path) -> Iterator[str]:
    """Full names of the modules that a file imports, at the top or inside a function."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        match node:
            case ast.Import(names=names):
                yield from (alias.name for alias in names)
            case ast.ImportFrom(module="bridge", level=0, names=names):
                yield from (f"bridge.{alias.name}" if is_module(alias.name) else "bridge" for alias in names)
            case ast.ImportFrom(module=str() as module, level=0):
                yield module
            case ast.ImportFrom():
                pytest.fail(f"{path}: a relative import hides which room it enters")


SOURCES = [pytest.param(path, id=module_name(path)) for path in sorted(PACKAGE.rglob("*.py"))]
CORE_SOURCES = [param for param in SOURCES if room_of(str(param.id)) in CORE]


@pytest.mark.parametrize("path", SOURCES)
def test_imports_run_one_way(path: Path) -> None:
    """A module imports only from its own room and from those that the house allows it."""
    module = module_name(path)
    room = room_of(module)
    assert room in {*ROOMS, *WIRING}, f"{module} is in no room of the house"
    entered = {room_of(name) for name in imports(path) if name.split(".")[0] == "bridge"}
    allowed = {*ROOMS, *WIRING} if room in WIRING else reachable(room)
    assert entered - allowed == set()


@pytest.mark.parametrize("path", CORE_SOURCES)
def test_core_is_pure(path: Path) -> None:
    """The core has no network, disk, event loop or clock: "now" is an argument."""
    impure = {name for name in imports(path) if name in IMPURE or name.split(".")[0] in IMPURE}
    assert impure == set()
    called = {
        node.func.attr
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
        if isinstance(node.func.value, ast.Name) and node.func.value.id in ("datetime", "date")
    }
    assert called & CLOCKS == set()


@pytest.mark.parametrize("name", COMMANDS)
def test_commands_are_short(name: str) -> None:
    """Each script is a few lines around the shared set-up, executable, and stops at the first failure."""
    script = ROOT / "scripts" / name
    lines = script.read_text(encoding="utf-8").splitlines()
    assert script.stat().st_mode & 0o111 == 0o111
    assert len(lines) <= MAX_COMMAND_LINES
    assert any(line.startswith("source ") and line.endswith('/env"') for line in lines)
    assert "set -euo pipefail" in (ROOT / "scripts/env").read_text(encoding="utf-8").splitlines()


def test_ci_runs_the_tests_script() -> None:
    """CI runs what everybody runs, and nothing else."""
    lines = (ROOT / ".ci/run").read_text(encoding="utf-8").splitlines()
    commands = [line for line in lines if line and not line.startswith(("#", "set "))]
    assert commands == ['exec "$(dirname "${BASH_SOURCE[0]}")/../scripts/test"']


def test_shipped_broker_loses_nothing() -> None:
    """mosquitto.conf has every setting without which mosquitto drops our data, and a cap in bytes."""
    lines = (ROOT / "mosquitto/mosquitto.conf").read_text(encoding="utf-8").splitlines()
    settings = dict(line.split(maxsplit=1) for line in lines if line and not line.startswith("#"))
    assert DURABLE.items() <= settings.items()
    assert int(settings["max_queued_bytes"]) > 0


def dockerfile() -> dict[str, list[str]]:
    """Instruction → its arguments, continued lines joined."""
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", " ")
    found: dict[str, list[str]] = {}
    for line in text.splitlines():
        if line and not line.startswith("#"):
            instruction, _, arguments = line.partition(" ")
            found.setdefault(instruction, []).append(arguments)
    return found


def compose() -> dict[str, dict]:
    return yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))


def test_image_runs_the_daemon() -> None:
    """The image's command line is one that `bridge` understands; it runs unprivileged, from pinned bases."""
    instructions = dockerfile()
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert [yaml.safe_load(entry)[0] for entry in instructions["ENTRYPOINT"]] == list(project["scripts"])
    command, option, path = yaml.safe_load(instructions["CMD"][0])
    shown = subprocess.run([sys.executable, "-m", "bridge", command, "--help"], capture_output=True, check=True)
    assert option in shown.stdout.decode()
    assert any(copy.endswith(f" {path}") for copy in instructions["COPY"])
    assert all(re.match(r"\d+$", user) and int(user) > 0 for user in instructions["USER"])
    assert all(re.match(r"python:3\.\d+\.\d+-slim-\w+\b", base) for base in instructions["FROM"])
    assert "/livez" in instructions["HEALTHCHECK"][0]


def test_image_keeps_its_state_in_the_volume() -> None:
    """What the image says about the state directory is where its volume is, which compose.yaml has a name for."""
    instructions = dockerfile()
    (place,) = instructions["VOLUME"]
    environ = dict(entry.split("=", 1) for entry in instructions["ENV"])
    config = ROOT / "config/compose.toml"
    assert str(load(config, environ, keeps=False).state.directory) == place
    named = [volume.split(":") for volume in compose()["services"]["bridge"]["volumes"]]
    assert [parts[0] for parts in named if parts[1] == place] == ["bridge-data"]


def test_compose_agrees_with_the_configuration() -> None:
    """The bridge in compose.yaml finds its broker and configuration, and listens where it is published."""
    services, settings = compose()["services"], load(ROOT / "config/compose.toml", {})
    volumes, image = services["bridge"]["volumes"], dockerfile()
    assert settings.mqtt.url == "mqtt://mosquitto:1883"
    assert "mosquitto" in services
    assert settings.api.host == "0.0.0.0"
    assert services["bridge"]["ports"] == [f"127.0.0.1:{settings.api.port}:{settings.api.port}"]
    assert image["EXPOSE"] == [str(settings.api.port)]
    assert f":{settings.api.port}/livez" in image["HEALTHCHECK"][0]
    assert f"./config/compose.toml:{yaml.safe_load(image['CMD'][0])[-1]}:ro" in volumes
    assert all(name.startswith("BRIDGE_") for name in services["bridge"]["environment"])


def test_compose_plant_is_asked_for() -> None:
    """The simulated plant runs only under the profile "demo", with options that it has."""
    plant = compose()["services"]["plant"]
    shown = subprocess.run(
        [sys.executable, *plant["entrypoint"][1:], "--help"], capture_output=True, check=True, cwd=ROOT
    )
    assert plant["profiles"] == ["demo"]
    assert plant["command"][0] in shown.stdout.decode()


def test_compose_pins_and_publishes_on_loopback() -> None:
    """Foreign images are pinned, ports are published on loopback only, and every volume is declared."""
    document = compose()
    foreign = [service["image"] for service in document["services"].values() if "build" not in service]
    ports = [port for service in document["services"].values() for port in service.get("ports", ())]
    named = {
        volume.partition(":")[0]
        for service in document["services"].values()
        for volume in service.get("volumes", ())
        if not volume.startswith(".")
    }
    assert all(re.search(r":\d+\.\d+\.\d+$", image) for image in foreign)
    assert all(port.startswith("127.0.0.1:") for port in ports)
    assert named == set(document["volumes"])
