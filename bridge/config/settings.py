"""The settings: one frozen model per section, each field with its default and what it may be.

Times are seconds, sizes bytes, unless a comment says otherwise. `config/uns.toml` explains each one to users.
"""

import hashlib
import os
import socket
from datetime import tzinfo
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, ValidationInfo, field_validator, model_validator

from bridge.config import files, rules
from bridge.config.access import (
    AuthSettings,
    ConnectionSettings,
    GrantSettings,
    OidcSettings,
    ProxySettings,
    TlsSettings,
)
from bridge.config.section import (
    AtLeastZero,
    Count,
    Directory,
    File,
    FileBytes,
    Filter,
    FoldedName,
    Levels,
    MqttText,
    OptionalFile,
    Origin,
    Pattern,
    PrivateFile,
    Seconds,
    SecretFile,
    Section,
    Subscription,
    Zone,
    conflicts,
)
from bridge.config.topics import Deletion, OnDeath, RuleSettings
from bridge.config.writing import WriteSettings

# How deep recursion over topics and payloads may go: far below the interpreter's own limit of 1,000 frames.
DEEPEST = 200
# Level names that say what is told about a thing, so that whatever is below them is part of the thing.
# fmt: off
ASPECTS = (
    "status", "state", "edge", "oee", "metric", "metrics", "processdata", "processvalue", "info", "kpi",
    "kpis", "asset", "dashboard", "admin", "measurement", "measurements", "alarm", "alarms", "count", "data",
    "raw",
)
# fmt: on
HOMELESS = 'must name a directory, in which history.sqlite is; or set [history] backend = "memory"'
AUDITED = "must name a file: writes are audited, and there is no [state] directory for the log of them"
STATE_DIRECTORY = "bridge-data"  # below the current directory


def default_client_id() -> str:
    """Stable per host and directory, so that a restart finds its session and two bridges do not share one."""
    place = os.fsencode(f"{socket.gethostname()}\n{Path.cwd()}")
    return f"bridge-{hashlib.sha256(place).hexdigest()[:12]}"  # MQTT 3.1.1 brokers must take 23 characters


def default_state_directory() -> Path:
    """Where the process runs, like the client id's default: what belongs to a session at the broker lies with it."""
    return Path.cwd() / STATE_DIRECTORY


class MqttSettings(Section):
    """[mqtt]: the broker and what to read from it; `password` is what the file or the environment says."""

    url: Annotated[str, AfterValidator(rules.mqtt_url)] = "mqtt://localhost:1883"
    topics: Annotated[tuple[Subscription, ...], Field(strict=False), AfterValidator(rules.some)] = ("#",)
    exclude: Annotated[tuple[Filter, ...], Field(strict=False)] = ()
    client_id: MqttText = Field(default_factory=default_client_id)
    username: MqttText | None = None
    password_file: SecretFile = None
    password: str | None = Field(default=None, validate_default=True, exclude=True, repr=False)
    qos: Annotated[int, Field(ge=0, le=2)] = 1
    protocol: Literal["auto", "5", "3.1.1"] = "auto"
    keep_alive: Annotated[int, Field(ge=1, le=65_535)] = 15  # 16 bits; 0 would never notice a dead connection
    session_expiry: Annotated[int, Field(ge=0, le=4_294_967_295)] = 86_400  # 32 bits, the largest means never
    receive_maximum: Annotated[int, Field(ge=1, le=65_535)] = 1_000  # messages in flight; 16 bits
    rebirth: bool = False  # the only thing that makes the bridge publish
    ca_file: File = None
    cert_file: File = None
    key_file: PrivateFile = None
    insecure: bool = False

    @field_validator("password")
    @classmethod
    def _from_file(cls, password: str | None, info: ValidationInfo) -> str | None:
        path: Path | None = info.data.get("password_file")
        return files.secret(path) if password is None and path is not None else password

    @model_validator(mode="after")
    def _fits(self) -> Self:
        found: dict[str, str] = {}
        if self.password is not None and self.username is None:
            found["username"] = "must be set, because there is a password"
        if self.key_file and not self.cert_file:
            found["key_file"] = "must come with cert_file"
        if not self.encrypted:
            needless = {"ca_file": self.ca_file, "cert_file": self.cert_file, "insecure": self.insecure}
            found |= {key: "needs a url with mqtts:// or wss://" for key, value in needless.items() if value}
        conflicts(found)
        return self

    @property
    def encrypted(self) -> bool:
        """Whether the broker is reached through TLS."""
        return urlsplit(self.url).scheme in rules.TLS_SCHEMES


class ApiSettings(Section):
    """[api]: where the i3X server listens, and the most that one request may ask."""

    host: Annotated[str, AfterValidator(rules.host)] = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65_535)] = 8080  # 0 takes any free one
    cors_origins: Annotated[tuple[Origin, ...], Field(strict=False)] = ("*",)
    max_body: Annotated[int, Field(ge=1_024)] = 8_388_608  # a request for a few ids must fit
    max_ids: Count = 100_000
    max_rows: Count = 10_000  # history rows per element
    query_timeout: Annotated[float, Field(ge=0.1)] = 5.0


class StreamSettings(Section):
    """[stream]: subscriptions that are read as server-sent events."""

    keep_alive: Annotated[float, Field(ge=0.1, le=90)] = 5.0  # clients give up after 90 s of silence
    send_timeout: Annotated[float, Field(ge=0.1)] = 10.0
    max_open: Count = 1_000


class SubscriptionSettings(Section):
    """[subscriptions]: how many there may be, what they may hold back, and for how long unattended."""

    max: Count = 1_000
    max_each: Count = 500  # of one who signs in
    queue: Count = 10_000  # updates per subscription
    queue_total: Count = 1_000_000  # updates in all subscriptions
    ttl: Annotated[float, Field(ge=1)] = 300.0

    @model_validator(mode="after")
    def _fits(self) -> Self:
        conflicts({"queue": "must be at most queue_total"} if self.queue > self.queue_total else {})
        return self


class ModelSettings(Section):
    """[model]: how topics and payloads become an address space."""

    levels: Levels = ()
    separators: Annotated[str, AfterValidator(rules.any_separators)] = ""
    namespace: Annotated[str, AfterValidator(rules.namespace)] = ""
    aspects: Annotated[tuple[FoldedName, ...], Field(strict=False)] = ASPECTS  # case-folded
    commands: Annotated[tuple[Pattern, ...], Field(strict=False)] = ()
    file: OptionalFile = None
    discovery_window: Seconds = 10.0
    widen_after: Seconds = 60.0
    zone: Zone = "UTC"
    future_tolerance: Seconds = 300.0
    stale_after: Seconds = 0.0  # 0 never
    broker_grace: Seconds = 30.0
    on_death: OnDeath = "bad"
    deletion: Deletion = "keep"
    expire_after: Seconds = 0.0  # 0 never
    guess_units: bool = False

    @property
    def time_zone(self) -> tzinfo:
        """The zone that times without one are in."""
        return rules.time_zone(self.zone)


class LimitSettings(Section):
    """[limits]: what one bridge takes in; the rest is acknowledged, counted and logged once a minute."""

    elements: Count = 500_000
    new_per_minute: Count = 10_000  # elements, after start-up
    payload: Annotated[int, Field(ge=1, le=268_435_455)] = 262_144  # at most what MQTT can carry
    topic: Annotated[int, Field(ge=1, le=rules.MQTT_TEXT_BYTES)] = 1_024
    levels: Annotated[int, Field(ge=1, le=DEEPEST)] = 32
    fields: Count = 256  # per payload
    depth: Annotated[int, Field(ge=1, le=DEEPEST)] = 32  # of JSON; deeper stays opaque
    instances: Count = 10_000  # members of one collection


class HistorySettings(Section):
    """[history]: where past values are kept, and how many; what is kept for ever is limited by bytes."""

    backend: Literal["sqlite", "memory"] = "sqlite"
    keep_age: Seconds = 0.0  # 0 for ever
    keep_rows: AtLeastZero = 0  # 0 any number
    keep_bytes: FileBytes = 10 * 1024**3  # of the file; 0 any number. A small edge computer has that to spare
    writable: bool = True
    rows_per_element: Count = 10_000  # of memory, as is the next
    rows_total: Count = 1_000_000

    @model_validator(mode="after")
    def _fits(self) -> Self:
        over = self.rows_per_element > self.rows_total
        conflicts({"rows_per_element": "must be at most rows_total"} if over else {})
        return self


class StateSettings(Section):
    """[state]: where what must survive a restart is kept; whoever keeps it there makes the directory."""

    directory: Directory = Field(default_factory=default_state_directory)


class LogSettings(Section):
    """[log]: what is told, and how."""

    format: Literal["text", "json"] = "text"
    level: Literal["debug", "info", "warning", "error"] = "info"


class Settings(Section):
    """Everything that can be set."""

    mqtt: MqttSettings = Field(default_factory=MqttSettings)
    api: ApiSettings = Field(default_factory=ApiSettings)
    tls: TlsSettings = Field(default_factory=TlsSettings)
    auth: AuthSettings = Field(default_factory=AuthSettings)
    oidc: OidcSettings = Field(default_factory=OidcSettings)
    proxy: ProxySettings = Field(default_factory=ProxySettings)
    connections: ConnectionSettings = Field(default_factory=ConnectionSettings)
    writes: WriteSettings = Field(default_factory=WriteSettings)
    stream: StreamSettings = Field(default_factory=StreamSettings)
    subscriptions: SubscriptionSettings = Field(default_factory=SubscriptionSettings)
    model: ModelSettings = Field(default_factory=ModelSettings)
    limits: LimitSettings = Field(default_factory=LimitSettings)
    history: HistorySettings = Field(default_factory=HistorySettings)
    state: StateSettings = Field(default_factory=StateSettings)
    log: LogSettings = Field(default_factory=LogSettings)
    grant: Annotated[tuple[GrantSettings, ...], Field(strict=False)] = ()
    rule: Annotated[tuple[RuleSettings, ...], Field(strict=False)] = ()

    @model_validator(mode="after")
    def _fits(self) -> Self:
        nowhere = self.history.backend == "sqlite" and self.state.directory is None
        silent = self.writes.enabled and self.state.directory is None and self.writes.audit_file is None
        found = {"state.directory": HOMELESS} if nowhere else {}
        conflicts(found | ({"writes.audit_file": AUDITED} if silent else {}))
        return self

    def public(self) -> dict[str, Any]:
        """Section → key → value as JSON can say it, and the rules; of the password only whether there is one."""
        shown = self.model_dump(mode="json", exclude={"rule", "grant"})
        shown["grant"] = [grant.model_dump(mode="json") for grant in self.grant]
        shown["rule"] = [rule.model_dump(mode="json", exclude_none=True) for rule in self.rule]
        for section, key in (("auth", "file"), ("writes", "audit_file")):
            shown[section][key] = shown[section][key] or ""
        shown["state"]["directory"] = shown["state"]["directory"] or ""  # not said would be the default
        shown["mqtt"]["password"] = "(not set)" if self.mqtt.password is None else "(set)"
        return shown
