"""Configuration: what is allowed, how a mistake is told, and that no secret gets out."""

import os
import re
import shutil
import tempfile
import tomllib
from datetime import UTC
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import tomli_w
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs
from pydantic import ValidationError

from bridge.assembly import engine_options
from bridge.cli import main
from bridge.config import (
    PASSWORD_VARIABLE,
    STATE_VARIABLE,
    LimitSettings,
    MqttSettings,
    RuleSettings,
    Settings,
    cautions,
    load,
)
from bridge.config.access import GrantSettings
from bridge.engine import Options
from bridge.errors import ConfigError
from bridge.uns.policy import PLAIN, Policies, Policy

HERE = Path(__file__).parent
SHIPPED = HERE.parents[1] / "config"

FILTER = 'must be an MQTT filter: not empty, "+" a whole level, "#" the whole last level'
URL = "must be mqtt://, mqtts://, ws:// or wss:// with a host and, if wanted, a port"
TLS = "needs a url with mqtts:// or wss://"
URI = 'an absolute URI without "#" and ",", such as "https://example.com/plant"'
NAME = 'must be a name: not blank, without "/"'
TEXTS = 'must be a list of texts, such as ["a", "b"]'
ZONE = 'must be an IANA time zone, such as "Europe/Berlin"'
SEPARATORS = 'must be characters that separate levels beside "/", such as ".", none of them / + #'
DIRECTORY = "must be a directory that can be written"
HOMELESS = 'must name a directory, in which history.sqlite is; or set [history] backend = "memory"'
FILE_BYTES = "must be a whole number of at least 16777216 (16 MiB), or 0 for no limit"
SECTIONS = (
    "[mqtt], [api], [tls], [auth], [oidc], [proxy], [connections], [writes], [stream], [subscriptions], [model], "
    "[limits], [history], [state], [log], [[grant]], [[rule]]"
)
HTTPS = "must be https:// with a host, without credentials; http:// only for this machine"
CLAIM = 'must be the name of a claim, or a path of names such as "realm_access.roles"'

TEMPLATE = (
    "must be a topic made of text, {topic}, {parent}, {name}, {2} (the second level) and {2+} (from the second level "
    'on), such as "{topic}/set"'
)

MISTAKES = {
    "auth_mode": '[auth] mode = "none": must be "auto", "on" or "off"',
    "auth_key_header": '[auth] key_header = "Authorization": must be the name of an HTTP header, such as X-API-Key, '
    "and not one that has a meaning of its own",
    "auth_public": '[auth] public[0] = "everything": must be "docs" or "metrics"',
    "auth_failures": "[auth] failures = 0: must be a whole number of at least 1",
    "server_key_open": '[tls] key_file = "open.secret": must not be readable by everyone: chmod o-r',
    "server_key_alone": "[tls] cert_file: must come with key_file",
    "server_cert_alone": "[tls] key_file: must come with cert_file",
    "server_cert_missing": '[tls] cert_file = "missing.crt": '
    "must be a file that can be read: No such file or directory",
    "server_version": '[tls] min_version = "1.1": must be "1.2" or "1.3"',
    "proxy_name": '[proxy] trusted[0] = "proxy.example": '
    'must be an IP address or a network, such as "10.1.2.3" or "10.1.0.0/16"',
    "proxy_network": '[proxy] trusted[0] = "10.1.2.3/16": '
    'must be an IP address or a network, such as "10.1.2.3" or "10.1.0.0/16"',
    "connections_max": "[connections] max = 0: must be a whole number of at least 1",
    "head_timeout": "[connections] head_timeout = 0: must be a number of at least 0.1, in seconds",
    "idle_timeout": "[connections] idle_timeout = -1: must be a number of at least 0, in seconds",
    "writes_allow": "[writes] allow: must name what may be written, "
    'such as ["acme/+/setpoints/#"]; ["#"] is everything',
    "writes_allow_filter": f'[writes] allow[0] = "acme/#/x": {FILTER}',
    "writes_topic": f'[writes] topic = "acme/set": {TEMPLATE}',
    "writes_topic_wild": f'[writes] topic = "{{topic}}/+": {TEMPLATE}',
    "writes_retain": '[writes] retain = true: must be "as-published", "always" or "never"',
    "writes_qos": "[writes] qos = 3: must be a whole number from 0 to 2",
    "writes_echo": '[writes] echo_timeout = "5s": must be a number from 0.1 to 60, in seconds, such as 5',
    "writes_audit_bytes": "[writes] audit_bytes = 1000: must be a whole number of at least 65536",
    "writes_audit_files": "[writes] audit_files = 1: must be a whole number of at least 2",
    "writes_unaudited": "[writes] audit_file: must name a file: writes are audited, and there is no [state] directory "
    "for the log of them",
    "rule_write_to": f'[[rule]] 1 write_to = "set": {TEMPLATE}',
    "url_scheme": f'[mqtt] url = "http://broker": {URL}',
    "url_without_host": f'[mqtt] url = "mqtt://": {URL}',
    "url_port": f'[mqtt] url = "mqtt://broker:port": {URL}',
    "url_path": '[mqtt] url = "mqtt://broker/path": must have no path: only ws:// and wss:// take one',
    "url_credentials": '[mqtt] url = "mqtt://…@broker": '
    "must not hold credentials: use username and password_file (or BRIDGE_MQTT_PASSWORD)",
    "topics_empty": '[mqtt] topics = []: must name at least one filter, such as ["#"]',
    "topics_text": f'[mqtt] topics = "acme/#": {TEXTS}',
    "topics_filter": f'[mqtt] topics[1] = "acme/#/status": {FILTER}',
    "topics_number": "[mqtt] topics[0] = 1: must be text in quotes",
    "topics_share": '[mqtt] topics[0] = "$share/a+b/#": '
    "must be $share/NAME/FILTER, the name without + and #, the filter valid",
    "exclude_filter": f'[mqtt] exclude[0] = "acme/lab+": {FILTER}',
    "exclude_share": '[mqtt] exclude[0] = "$share/group/#": must be a filter without $share',
    "client_id_empty": '[mqtt] client_id = "": must be 1 to 65535 bytes of printable text',
    "username_control": r'[mqtt] username = "a\nb": must be 1 to 65535 bytes of printable text',
    "password_in_file": "[mqtt] password: must not be in this file: use password_file or BRIDGE_MQTT_PASSWORD",
    "password_without_username": "[mqtt] username: must be set, because there is a password",
    "password_file_open": '[mqtt] password_file = "open.secret": must not be readable by everyone: chmod o-r',
    "password_file_empty": '[mqtt] password_file = "empty.secret": must hold a password of 1 to 65535 bytes',
    "password_file_missing": '[mqtt] password_file = "missing.secret": '
    "must be a file that can be read: No such file or directory",
    "qos": "[mqtt] qos = 3: must be a whole number from 0 to 2",
    "protocol": '[mqtt] protocol = "3.1": must be "auto", "5" or "3.1.1"',
    "keep_alive": "[mqtt] keep_alive = 0: must be a whole number from 1 to 65535, in seconds",
    "session_expiry": "[mqtt] session_expiry = -1: must be a whole number from 0 to 4294967295, in seconds",
    "receive_maximum": "[mqtt] receive_maximum = 70000: must be a whole number from 1 to 65535",
    "ca_file_directory": '[mqtt] ca_file = ".": must be a regular file',
    "cert_file_number": "[mqtt] cert_file = 5: must be the path of a file",
    "key_file_open": '[mqtt] key_file = "open.secret": must not be readable by everyone: chmod o-r',
    "key_file_alone": '[mqtt] key_file = "good.secret": must come with cert_file',
    "tls_without_tls": (f'[mqtt] ca_file = "ca.crt": {TLS}', f"[mqtt] insecure = true: {TLS}"),
    "insecure_text": '[mqtt] insecure = "yes": must be true or false',
    "host_port": '[api] host = "localhost:8080": must be an IP address or a host name, without a port',
    "host_numbers": '[api] host = "256.1.1.1": must be an IP address or a host name, without a port',
    "port_range": "[api] port = 65536: must be a whole number from 0 to 65535",
    "port_text": '[api] port = "8080": must be a whole number from 0 to 65535',
    "port_boolean": "[api] port = true: must be a whole number from 0 to 65535",
    "origin_path": '[api] cors_origins[0] = "https://hmi.example/": must be "*", "null" or an origin '
    'in lower case without a path, such as "https://hmi.example:8443"',
    "max_body": "[api] max_body = 10: must be a whole number of at least 1024",
    "query_timeout_nan": "[api] query_timeout = nan: must be a number of at least 0.1, in seconds",
    "stream_keep_alive": "[stream] keep_alive = 120: must be a number from 0.1 to 90, in seconds",
    "send_timeout_text": '[stream] send_timeout = "10 s": must be a number of at least 0.1, in seconds, such as 10',
    "queue_total": "[subscriptions] queue = 100: must be at most queue_total",
    "ttl": "[subscriptions] ttl = 0: must be a number of at least 1, in seconds",
    "levels_twice": '[model] levels = ["Site", "Area", "Site"]: must not name anything twice',
    "levels_slash": f'[model] levels[0] = "Site/Area": {NAME}',
    "namespace": f'[model] namespace = "acme types": must be "" or {URI}',
    "namespace_fragment": f'[model] namespace = "https://acme.example/types#": must be "" or {URI}',
    "aspects_blank": f'[model] aspects[0] = " ": {NAME}',
    "zone": f'[model] zone = "Europe/Munich": {ZONE}',
    "zone_folder": f'[model] zone = "Europe": {ZONE}',
    "discovery_window": "[model] discovery_window = -1.5: must be a number of at least 0, in seconds",
    "separators": f'[model] separators = "./": {SEPARATORS}',
    "commands": f'[model] commands[0] = "acme/#/set": {FILTER}; "*" is any part of a level',
    "model_file_missing": '[model] file = "missing.toml": must be a file that can be read: No such file or directory',
    "stale_after": '[model] stale_after = "1 h": must be a number of at least 0, in seconds, such as 3600',
    "on_death": '[model] on_death = "good": must be "bad", "uncertain" or "keep"',
    "deletion": '[model] deletion = "forget": must be "keep" or "remove"',
    "guess_units": '[model] guess_units = "yes": must be true or false',
    "instances": "[limits] instances = 0: must be a whole number of at least 1",
    "elements": "[limits] elements = 0: must be a whole number of at least 1",
    "depth": "[limits] depth = 5000: must be a whole number from 1 to 200",
    "backend": '[history] backend = "postgres": must be "sqlite" or "memory"',
    "history_without_directory": f'[state] directory = "": {HOMELESS}',
    "history_said_without_directory": f'[state] directory = "": {HOMELESS}',
    "keep_age": '[history] keep_age = "30 d": must be a number of at least 0, in seconds, such as 2592000',
    "keep_rows": "[history] keep_rows = -1: must be a whole number of at least 0",
    "keep_bytes": f"[history] keep_bytes = 1048576: {FILE_BYTES}",
    "keep_bytes_text": f'[history] keep_bytes = "10 GiB": {FILE_BYTES}',
    "writable": '[history] writable = "no": must be true or false',
    "rows_total": "[history] rows_per_element: must be at most rows_total",
    "state_directory_file": f'[state] directory = "good.secret/state": {DIRECTORY}: Not a directory',
    "state_directory_number": "[state] directory = 5: must be the path of a directory",
    "log_format": '[log] format = "xml": must be "text" or "json"',
    "log_level": '[log] level = "INFO": must be "debug", "info", "warning" or "error"',
    "oidc_issuer": f'[oidc] issuer = "http://login.example": {HTTPS}',
    "oidc_issuer_missing": "[oidc] issuer: "
    "must be the provider's address: without it nobody can sign in with its tokens",
    "oidc_audience_missing": "[oidc] audience: "
    "must name at least one: the provider's tokens for other programs would be taken, too",
    "oidc_audience_blank": '[oidc] audience[1] = " ": must be printable text, not blank',
    "oidc_audience_text": f'[oidc] audience = "bridge": {TEXTS}',
    "oidc_jwks_url": f'[oidc] jwks_url = "https://…@login.example/keys?appid=1": {HTTPS}',
    "oidc_algorithms": '[oidc] algorithms[1] = "HS256": must be '
    '"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512" or "EdDSA"',
    "oidc_algorithms_empty": "[oidc] algorithms = []: must name at least one",
    "oidc_name_claim": f'[oidc] name_claim = "": {CLAIM}',
    "oidc_leeway": "[oidc] leeway = 3600: must be a number from 0 to 300, in seconds",
    "oidc_keys_for": '[oidc] keys_for = "1 h": must be a number of at least 10, in seconds, such as 3600',
    "oidc_ca_file": '[oidc] ca_file = "missing.crt": must be a file that can be read: No such file or directory',
    "oidc_client_alone": "[oidc] issuer: must be the provider's address: without it nobody can sign in with its tokens",
    "oidc_client_id": '[oidc] client_id = "bridge page": '
    "must be what the provider calls the page: printable ASCII, without blanks",
    "oidc_scopes": '[oidc] scopes[1] = "openid offline_access": '
    'must be one scope, such as "openid": printable ASCII, without blanks, quotes and backslashes',
    "oidc_scopes_empty": "[oidc] scopes = []: must name at least one",
    "oidc_scopes_twice": '[oidc] scopes = ["openid", "openid"]: must not name anything twice',
    "oidc_scopes_alone": "[oidc] client_id: "
    "must be what the provider calls the page: without it there is no page that asks for the scopes",
    "oidc_name": '[oidc] name = " ": must be printable text, not blank',
    "oidc_name_alone": "[oidc] client_id: "
    "must be what the provider calls the page: without it there is no button for the name",
    "grant_one_bracket": "grant = {…}: must be tables, [[grant]]",
    "grant_claim_missing": "[[grant]] 1 claim: missing; must be text in quotes",
    "grant_value": '[[grant]] 1 value = " ": must be printable text, not blank',
    "grant_says_nothing": '[[grant]] 1 value = "a": must come with read, write or admin = true: else it grants nothing',
    "grant_second": (
        f'[[grant]] 2 claim = " ": {CLAIM}',
        "[[grant]] 2 value = 1: must be text in quotes",
        f'[[grant]] 2 read[0] = "acme/#/x": {FILTER}',
        f'[[grant]] 2 write = "#": {TEXTS}',
        '[[grant]] 2 admin = "yes": must be true or false',
    ),
    "rule_one_bracket": "rule = {…}: must be tables, [[rule]]",
    "rule_texts": '[[rule]] 1 = "acme/#": must be a table, [[rule]]',
    "rule_topics_missing": f"[[rule]] 1 topics: missing; {TEXTS}",
    "rule_topics_empty": '[[rule]] 1 topics = []: must name at least one filter, such as ["#"]',
    "rule_topics_pattern": f'[[rule]] 1 topics[1] = "acme/vat+": {FILTER}; "*" is any part of a level',
    "rule_topics_share": '[[rule]] 1 topics[0] = "$share/group/#": must be a filter without $share',
    "rule_says_nothing": '[[rule]] 1 topics = ["acme/#"]: '
    "must come with something that is said about them, such as stale_after = 60",
    "rule_second": (
        '[[rule]] 2 stale_after = "x": must be a number of at least 0, in seconds',
        "[[rule]] 2 expire_after = -1: must be a number of at least 0, in seconds",
        "[[rule]] 2 part = 1: must be true or false",
    ),
    "rule_separators": f'[[rule]] 1 separators = "/": {SEPARATORS}',
    "rule_strip": '[[rule]] 1 strip = "acme/+": must be the beginning of topics, without + and #',
    "rule_choices": (
        '[[rule]] 1 profile = "kepserver": must be "auto", "none", "kepware", "databus", "optix", "pubsub", "iih", '
        '"factory+", "aio", "apis" or "publisher"',
        '[[rule]] 1 quality_profile = "opc": must be "da", "ua", "one-is-good" or "zero-is-good"',
        '[[rule]] 1 time_unit = "m": must be "s", "ms", "us" or "ns"',
        '[[rule]] 1 coerce[1] = "texts": must be "numbers", "booleans" or "units"',
        '[[rule]] 1 use = "hidden": must be "value", "command", "status", "metadata" or "ignore"',
        '[[rule]] 1 on_death = "good": must be "bad", "uncertain" or "keep"',
        '[[rule]] 1 merge = true: must be "replace" or "deep"',
        '[[rule]] 1 deletion = "yes": must be "keep" or "remove"',
    ),
    "rule_coerce_twice": '[[rule]] 1 coerce = ["units", "units"]: must not name anything twice',
    "rule_coerce_text": f'[[rule]] 1 coerce = "units": {TEXTS}',
    "rule_key": '[[rule]] 1 instance = "": must be a key of the payload, or a path of keys such as "data.value"',
    "rule_zone": f'[[rule]] 1 zone = "Europe/Munich": {ZONE}',
    "rule_type": '[[rule]] 1 type = "acme#Press": must be the name of a type: not blank, without / # , " and backslash',
    "rule_namespace": f'[[rule]] 1 namespace = "": must be {URI}',
    "rule_levels": '[[rule]] 1 levels = ["Site", "Site"]: must not name anything twice',
    "rule_name": '[[rule]] 1 name = " ": must be printable text, not blank',
    "rule_description": '[[rule]] 1 description = "": must not be blank',
    "rule_unknown": "[[rule]] 1 stale_afer: unknown key; did you mean stale_after?",
    "rule_synonym": "[[rule]] 1 filter: unknown key; did you mean topics?",
    "rule_elsewhere": "[api] merge: unknown key; did you mean [[rule]] merge?",
    "unknown_sections": "rules: unknown section; did you mean [[rule]]?",
    "unknown_key": "[mqtt] topic: unknown key; did you mean topics?",
    "unknown_secret": "[mqtt] pasword: unknown key; did you mean password?",
    "unknown_synonym": "[mqtt] broker: unknown key; did you mean url?",
    "unknown_here": "[api] levels: unknown key; did you mean [model] levels?",
    "unknown_anywhere": "[log] zzz: unknown key; known are format, level",
    "unknown_section": "mqqt: unknown section; did you mean [mqtt]?",
    "outside_section": "port: a key outside any section; did you mean [api] port?",
    "hostile_key": rf'"a\u0085\u001b[2J": a key outside any section; known are {SECTIONS}',
    "section_is_text": 'mqtt = "mqtt://localhost": must be a section, [mqtt]',
    "section_is_list": "api = [{…}]: must be a section, [api]",
    "syntax": "line 3, column 13: not TOML: Expected newline or end of document after a statement",
    "syntax_end": "line 4, column 1: not TOML: Invalid value",
    "syntax_twice": "line 3, column 9: not TOML: Cannot overwrite a value",
    "latin1": "must be UTF-8 text: byte 24 is not",
    "several": (
        f'[mqtt] url = "http://broker": {URL}',
        "[mqtt] qos = 5: must be a whole number from 0 to 2",
        "[api] prt: unknown key; did you mean port?",
        '[log] level = 1: must be "debug", "info", "warning" or "error"',
    ),
}


@pytest.fixture
def directory(tmp_path, monkeypatch):
    """The bad files in a directory of their own, with the files that some of them name."""
    shutil.copytree(HERE / "configs", tmp_path, dirs_exist_ok=True)
    for name, text, mode in [
        ("good.secret", "hunter2\r\n", 0o640),
        ("open.secret", "hunter2\n", 0o644),
        ("empty.secret", "\n", 0o600),
        ("mqtt-password", " pass word \n", 0o600),
        ("bridge.key", "key", 0o600),
        ("bridge.crt", "certificate", 0o644),
        ("server.key", "key", 0o600),
        ("server.crt", "certificate", 0o644),
        ("ca.crt", "authority", 0o644),
    ]:
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(mode)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def refused(path: Path, environ: dict[str, str] | None = None) -> tuple[str, ...]:
    """The mistakes that loading a file is refused for."""
    with pytest.raises(ConfigError) as caught:
        load(path, environ or {})
    return caught.value.mistakes


@pytest.mark.parametrize(
    ("section", "said", "told"),
    [
        pytest.param("history", 'keep_age = "90d"', "of at least 0, in seconds, such as 7776000", id="days"),
        pytest.param("model", 'expire_after = "1.5 Hours"', "of at least 0, in seconds, such as 5400", id="hours"),
        pytest.param("model", 'zone = "1 h"', ZONE, id="not a time"),
        pytest.param("subscriptions", 'ttl = "0s"', "of at least 1, in seconds", id="too short an example"),
        pytest.param("stream", 'keep_alive = "2 min"', "from 0.1 to 90, in seconds", id="too long an example"),
        pytest.param("mqtt", 'keep_alive = "30s"', "from 1 to 65535, in seconds, such as 30", id="whole seconds"),
        pytest.param("history", 'keep_age = "1 year"', "of at least 0, in seconds", id="no fixed length"),
        pytest.param("history", "keep_age = true", "of at least 0, in seconds", id="no text"),
        pytest.param("mqtt", 'receive_maximum = "30s"', "a whole number from 1 to 65535", id="a count"),
    ],
)
def test_times_are_seconds(tmp_path, section, said, told):
    """A length of time in other words is told as seconds, where that would be taken."""
    (tmp_path / "a.toml").write_text(f"[{section}]\n{said}\n")
    (line,) = refused(tmp_path / "a.toml")
    assert line.endswith(told)


@pytest.mark.usefixtures("directory")
@pytest.mark.parametrize("name", MISTAKES)
def test_mistake(name):
    """Every rule has a bad file, whose every mistake is told in exactly these words."""
    told = MISTAKES[name]
    expected = (told,) if isinstance(told, str) else told
    assert tuple(f"{name}.toml: {line}" for line in expected) == refused(Path(f"{name}.toml"))


def test_every_bad_file_is_in_the_table():
    """No bad file is left out."""
    assert {path.stem for path in (HERE / "configs").glob("*.toml")} == set(MISTAKES)


def test_mistakes_show_no_secret(directory):
    """What was meant as a secret is in no message, wherever it stood."""
    for path in directory.glob("*.toml"):
        assert "hunter2" not in "\n".join(refused(path))
    (directory / "odd.toml").write_text('[mqtt]\nurl = "mqtt://u:hunter2/#@x@broker"\nclient_id = "u:hunter2\\n@b"\n')
    assert "hunter2" not in "\n".join(refused(directory / "odd.toml"))


def test_long_values_are_shortened(tmp_path):
    """A mistake fits on a line even when its value does not."""
    path = tmp_path / "long.toml"
    path.write_text(f'[mqtt]\nurl = "{"x" * 1000}"\n')
    assert len(refused(path)[0]) < len(str(path)) + 200


SCALARS = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"])),
    st.sampled_from(["mqtt://", "wss://a/b", "$share/", "#", "~stranger", "mqtt://u:p@h", "https://a", "/"]),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(),
    st.booleans(),
    st.datetimes(),
)
VALUES = st.recursive(SCALARS, lambda v: st.lists(v, max_size=3) | st.dictionaries(st.text("ab.\n"), v, max_size=2))


# Sections of which there may be any number: one that is right.
ITEMS = {"rule": {"topics": ["#"]}, "grant": {"claim": "roles", "value": "a", "admin": True}}


@settings(deadline=None)  # it writes files
@given(data=st.data(), value=VALUES)
def test_any_value_is_taken_or_told(data, value):
    """Whatever a key is set to, it is taken or refused in lines that a terminal can show."""
    section, keys = data.draw(st.sampled_from(sorted((section, list(keys)) for section, keys in fields().items())))
    key = data.draw(st.sampled_from(sorted(keys)))
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "any.toml"
        said = {section: [ITEMS[section] | {key: value}] if section in ITEMS else {key: value}}
        path.write_text(tomli_w.dumps(said), encoding="utf-8")
        mistakes, public = (), {}
        try:
            public = load(path, {}).public()
        except ConfigError as error:
            mistakes = error.mistakes
    assert bool(mistakes) != bool(public)
    assert all(line.isprintable() and key in line for line in mistakes)


def test_unreadable_files(tmp_path, monkeypatch):
    """A file that is missing, or a directory, is named."""
    monkeypatch.chdir(tmp_path)
    assert refused(Path("no.toml")) == ("no.toml: cannot be read: No such file or directory",)
    assert refused(Path()) == (".: cannot be read: Is a directory",)


def test_a_pipe_is_no_secret_file(tmp_path):
    """A named pipe is refused instead of waited for."""
    os.mkfifo(tmp_path / "pipe", 0o600)
    (tmp_path / "a.toml").write_text('[mqtt]\nusername = "u"\npassword_file = "pipe"\n')
    assert refused(tmp_path / "a.toml")[0].endswith("must be a regular file")


def test_defaults():
    """Without a file and an environment every setting has its default."""
    settings = load(None, {})
    assert settings == Settings()
    assert (settings.mqtt.url, settings.mqtt.topics, settings.mqtt.qos) == (
        "mqtt://localhost:1883",
        ("#",),
        1,
    )
    assert (settings.api.host, settings.api.port) == ("127.0.0.1", 8080)
    assert (settings.model.levels, settings.model.namespace) == ((), "")
    history = settings.history
    assert (history.backend, history.keep_age, history.keep_rows, history.keep_bytes) == ("sqlite", 0, 0, 10 * 2**30)
    assert history.writable
    assert settings.state.directory == Path.cwd() / "bridge-data"


def test_byte_order_mark(tmp_path):
    """A byte order mark at the beginning of the file does not matter."""
    path = tmp_path / "bom.toml"
    path.write_text("\ufeff[api]\nport = 1\n", encoding="utf-8")
    assert load(path, {}).api.port == 1


def test_settings_are_frozen():
    """Nobody changes a setting while the daemon runs."""
    with pytest.raises(ValidationError):
        Settings().api.port = 1


@pytest.mark.parametrize(
    ("section", "key", "value"),
    [
        pytest.param("mqtt", "url", "mqtt://[::1]:1884", id="ipv6"),
        pytest.param("mqtt", "url", "wss://broker.example/mqtt", id="websocket path"),
        pytest.param("mqtt", "url", "mqtts://broker", id="tls"),
        pytest.param("mqtt", "topics", ("$share/group/acme/#", "+/+", "/", "$SYS/#", "a//b", "+"), id="filters"),
        pytest.param("mqtt", "exclude", ("acme/+/lab/#",), id="exclude"),
        pytest.param("mqtt", "session_expiry", 4_294_967_295, id="never expires"),
        pytest.param("api", "host", "::", id="any ipv6"),
        pytest.param("api", "host", "bridge_1.plant.example", id="host name"),
        pytest.param("api", "port", 0, id="any port"),
        pytest.param("api", "cors_origins", ("null", "http://[::1]:3000", "https://a-b.example"), id="origins"),
        pytest.param("api", "query_timeout", 3, id="whole seconds"),
        pytest.param("history", "keep_bytes", 16 * 2**20, id="a small file"),
        pytest.param("history", "keep_bytes", 0, id="any file"),
        pytest.param("history", "keep_age", 86_400, id="a day"),
        pytest.param("model", "namespace", "urn:acme:types", id="urn"),
        pytest.param("model", "levels", ("Enterprise", "Produktionslinie ä"), id="levels"),
    ],
)
def test_allowed(section, key, value):
    """Values that must not be refused."""
    settings = Settings.model_validate({section: {key: value}})
    assert getattr(getattr(settings, section), key) == value


def test_aspects_are_folded():
    """Aspect words are kept as they are compared, without regard to case."""
    assert Settings.model_validate({"model": {"aspects": ["Status", "STRASSE"]}}).model.aspects == (
        "status",
        "strasse",
    )


@pytest.mark.parametrize(("zone", "expected"), [("UTC", UTC), ("Europe/Berlin", ZoneInfo("Europe/Berlin"))])
def test_time_zone(zone, expected):
    """The zone's name stands for the zone; UTC needs no database."""
    assert Settings.model_validate({"model": {"zone": zone}}).model.time_zone == expected


def test_client_id_is_stable_per_directory(tmp_path, monkeypatch):
    """The same place gives the same client id, another one another; 3.1.1 brokers accept its length."""
    (tmp_path / "other").mkdir()
    monkeypatch.chdir(tmp_path)
    first, again = Settings().mqtt.client_id, Settings().mqtt.client_id
    monkeypatch.chdir(tmp_path / "other")
    assert first == again != Settings().mqtt.client_id
    assert re.fullmatch(r"bridge-[0-9a-f]{12}", first)


def test_password_sources(directory):
    """The password comes from the file, its last line end cut; the environment wins if it says anything."""
    path = directory / "user.toml"
    path.write_text('[mqtt]\nusername = "u"\npassword_file = "mqtt-password"\n')
    assert load(path, {}).mqtt.password == " pass word "
    assert load(path, {PASSWORD_VARIABLE: ""}).mqtt.password == " pass word "
    assert load(path, {PASSWORD_VARIABLE: "other"}).mqtt.password == "other"
    path.write_text('[mqtt]\nusername = "u"\n')
    assert load(path, {PASSWORD_VARIABLE: "other"}).mqtt.password == "other"


def test_password_from_the_environment_needs_a_user():
    """A password without a user name would silently not be sent."""
    with pytest.raises(ConfigError) as caught:
        load(None, {PASSWORD_VARIABLE: "hunter2"})
    assert caught.value.mistakes == ("configuration: [mqtt] username: must be set, because there is a password",)


def test_secrets_are_in_no_representation(directory):
    """Neither repr, dumps, the public settings nor a validation error show the password."""
    settings = Settings.model_validate({"mqtt": {"username": "u", "password": "hunter2"}})
    with pytest.raises(ValidationError) as caught:
        MqttSettings.model_validate({"password": "hunter2", "qos": 7})
    told = f"{settings!r} {settings} {settings.model_dump()} {settings.public()} {caught.value}"
    assert "hunter2" not in told
    assert settings.public()["mqtt"]["password"] == "(set)"
    assert Settings().public()["mqtt"]["password"] == "(not set)"


def test_public_names_every_setting():
    """The effective settings leave nothing out."""
    public = Settings().public()
    assert (public.pop("rule"), public.pop("grant")) == ([], [])
    assert {s: set(keys) for s, keys in public.items()} == {s: set(f) for s, f in fields().items() if s not in ITEMS}


def test_paths_start_at_the_file(directory, monkeypatch, tmp_path_factory):
    """A relative path means the configuration file's directory, wherever the bridge is started."""
    shutil.copy(SHIPPED / "tls.toml", directory)
    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))
    mqtt = load(directory / "tls.toml", {}).mqtt
    assert (mqtt.ca_file, mqtt.key_file) == (directory / "ca.crt", directory / "bridge.key")
    assert mqtt.password == " pass word "


@pytest.mark.parametrize("path", sorted(SHIPPED.glob("*.toml")), ids=lambda path: path.stem)
def test_shipped_examples_load(path, directory):
    """Every example is right once the files that it names are there."""
    shutil.copy(path, directory)
    load(directory / path.name, {})


def fields() -> dict[str, dict[str, object]]:
    """Section → key → field."""
    models = {name: field.annotation for name, field in Settings.model_fields.items()}
    models |= {"rule": RuleSettings, "grant": GrantSettings}
    return {name: dict(model.model_fields) for name, model in models.items()}


def test_the_annotated_file_is_the_defaults():
    """config/uns.toml says what is in effect without it."""
    assert load(SHIPPED / "uns.toml", {}) == Settings()


def test_the_annotated_file_names_every_setting():
    """config/uns.toml has each setting in its section, as a comment where TOML cannot say the default."""
    text = (SHIPPED / "uns.toml").read_text()
    parts = re.split(r"^(?:# \[)?\[(\w+)\]+$", text, flags=re.MULTILINE)[1:]
    written: dict[str, set[str]] = {}
    for section, body in zip(parts[::2], parts[1::2], strict=True):
        written.setdefault(section, set()).update(re.findall(r"^(?:# )?(\w+) = ", body, re.MULTILINE))
    expected = {section: set(keys) - {"password"} for section, keys in fields().items()}
    assert expected == written
    told = tomllib.loads(text)
    unwritable = {
        "mqtt": {"client_id", "username", "password_file", "ca_file", "cert_file", "key_file"},
        "tls": {"cert_file", "key_file"},
        "auth": {"file"},
        "writes": {"audit_file"},
        "oidc": {"ca_file"},
        "state": {"directory"},
    }
    unsaid = {section: keys - set(told[section]) for section, keys in expected.items() if section not in ITEMS}
    assert {section: keys for section, keys in unsaid.items() if keys} == unwritable


def test_the_annotated_rules_are_right(tmp_path):
    """The rules in config/uns.toml, without the comment signs, load; the last of them says all that can be said."""
    text = (SHIPPED / "uns.toml").read_text()
    path = tmp_path / "rules.toml"
    path.write_text(
        "\n".join(re.findall(r"^# (\[\[rule\]\]|\w+ = .*)$", text[text.index("# [[rule]]") :], re.MULTILINE))
    )
    *first, last = load(path, {}).rule
    assert len(first) >= 2
    assert set(last.said()) == set(RuleSettings.model_fields) - {"topics"}


def test_the_annotated_grants_are_right(tmp_path):
    """So do the grants, the last of which says all that can be said."""
    text = (SHIPPED / "uns.toml").read_text()
    path = tmp_path / "grants.toml"
    part = text[text.index("# [[grant]]") : text.index("# Rules say")]
    path.write_text("\n".join(re.findall(r"^# (\[\[grant\]\]|\w+ = .*)$", part, re.MULTILINE)))
    first, last = load(path, {}).grant
    assert first.model_fields_set == {"claim", "value", "read"}
    assert last.model_fields_set == set(GrantSettings.model_fields)


EVERYTHING = tomllib.loads("""
separators = "."
strip = "acme"
write_to = "{topic}/set"
profile = "kepware"
instance = "id"
value = "v"
time = "t"
quality = "q"
unit_key = "u"
quality_profile = "da"
time_unit = "ms"
zone = "Europe/Berlin"
coerce = ["numbers", "units"]
use = "value"
future_tolerance = 1
stale_after = 2.5
on_death = "keep"
merge = "deep"
deletion = "remove"
expire_after = 0
part = false
type = "Press"
namespace = "urn:acme"
levels = ["Site", "Line"]
name = "Press 1"
description = "Two\\nlines"
unit = "bar"
""")


def test_a_rule_can_set_every_policy():
    """Each key of a policy can be said by a rule, and arrives in the core as the core takes it."""
    settings = Settings.model_validate({"rule": [{"topics": ["acme/vat*/#"], **EVERYTHING}]})
    policies = Policies(engine_options(settings).rules)
    read = {"zone": ZoneInfo("Europe/Berlin"), "coerce": frozenset({"numbers", "units"}), "levels": ("Site", "Line")}
    assert set(EVERYTHING) == set(Policy.__struct_fields__)
    assert policies.of("acme/vat1/a") == Policy(**EVERYTHING | read)
    assert policies.of("acme/press1/a") == PLAIN


def test_what_rules_say_last_holds():
    """What [model] says about topics comes first, rules in their order over it; an unsaid key changes nothing."""
    raw = {
        "model": {"separators": ".", "commands": ["acme/+/write_*"]},
        "rule": [
            {"topics": ["acme/#"], "stale_after": 5, "part": True},
            {"topics": ["acme/a/+"], "use": "value", "stale_after": 0, "separators": "-"},
        ],
    }
    policies = Policies(engine_options(Settings.model_validate(raw)).rules)
    assert policies.of("other") == Policy(separators=".")
    assert policies.of("acme/b/write_speed") == Policy(separators=".", use="command", stale_after=5, part=True)
    assert policies.of("acme/a/write_speed") == Policy(separators="-", use="value", stale_after=0, part=True)


def test_settings_reach_the_core():
    """Every setting of [model] and [limits] that the core has an option for is handed to it."""
    model = tomllib.loads("""
        discovery_window = 1.5
        widen_after = 2.5
        future_tolerance = 3.5
        stale_after = 4.5
        broker_grace = 5.5
        on_death = "keep"
        deletion = "remove"
        expire_after = 6.5
        guess_units = true
        levels = ["A"]
        namespace = "urn:a"
        aspects = ["b"]
    """)
    names = [name for name in LimitSettings.model_fields if name != "payload"]
    limits = {name: 10 + number for number, name in enumerate(names)}
    options = engine_options(Settings.model_validate({"model": model, "limits": limits}))
    assert {key: getattr(options, key) for key in model} == model | {"levels": ("A",), "aspects": ("b",)}
    assert structs.asdict(options.limits) == limits


def test_defaults_of_the_core_are_those_of_the_settings():
    """What holds without a configuration is said once in words and once in code, alike."""
    assert structs.replace(engine_options(Settings()), aspects=()) == Options(rules=())


def test_effective_rules_are_told_as_toml(tmp_path, capsys):
    """`bridge check` prints rules as a file has them: the same settings come out of it, in the same order."""
    path = tmp_path / "rules.toml"
    path.write_text(tomli_w.dumps({"rule": [{"topics": ["a", "b/+"], **EVERYTHING}, {"topics": ["#"], "part": True}]}))
    assert main(["check", "--config", str(path)]) == 0
    told = capsys.readouterr().out
    (tmp_path / "told.toml").write_text(told)
    assert load(tmp_path / "told.toml", {}) == load(path, {})
    assert told.endswith('\n[[rule]]\ntopics = [\n    "#",\n]\npart = true\n')


@pytest.mark.parametrize("said", [pytest.param("state", id="missing"), pytest.param(".", id="there")])
def test_state_directory(said, tmp_path):
    """It starts at the configuration file; looking at the configuration does not make it."""
    (tmp_path / "a.toml").write_text(f'[state]\ndirectory = "{said}"\n')
    assert load(tmp_path / "a.toml", {STATE_VARIABLE: "/elsewhere"}).state.directory == tmp_path / said
    assert [path.name for path in tmp_path.iterdir()] == ["a.toml"]


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        pytest.param(None, "bridge-data", id="where the process runs"),
        pytest.param("", "bridge-data", id="systemd says nothing"),
        pytest.param("{}/var/bridge", "var/bridge", id="systemd says it"),
        pytest.param("{0}/var/bridge:{0}/var/other", "var/bridge", id="systemd says two"),
    ],
)
@pytest.mark.parametrize("text", [pytest.param(None, id="no file"), pytest.param("[api]\nport = 1\n", id="a file")])
def test_state_directory_that_is_not_said(told, expected, text, tmp_path, monkeypatch):
    """Without a word in the file it is systemd's, else one of the current directory, wherever the file is; looking
    makes neither.
    """
    place = tmp_path / "place"
    place.mkdir()
    monkeypatch.chdir(place)
    path = None
    if text is not None:
        path = tmp_path / "a.toml"
        path.write_text(text)
    environ = {} if told is None else {STATE_VARIABLE: told.format(place)}
    assert load(path, environ).state.directory == place / expected
    assert list(place.iterdir()) == []


LOCKED = pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")


@LOCKED
def test_state_directory_must_be_writable(tmp_path):
    """A directory in which nothing can be kept is refused at once, not at the first attempt."""
    (tmp_path / "a.toml").write_text('[state]\ndirectory = "state"\n')
    tmp_path.chmod(0o555)
    assert refused(tmp_path / "a.toml")[0].endswith(f"{DIRECTORY}: Permission denied")


@LOCKED
def test_default_state_directory_must_be_writable(tmp_path, monkeypatch):
    """So is the default, with the path that it stands for."""
    monkeypatch.chdir(tmp_path)
    tmp_path.chmod(0o555)
    with pytest.raises(ConfigError) as caught:
        load(None, {})
    told = f'configuration: [state] directory = "{tmp_path}/bridge-data": {DIRECTORY}: Permission denied'
    assert caught.value.mistakes == (told,)


def test_only_who_keeps_something_needs_a_writable_directory(tmp_path):
    """Who only asks may be another user than the daemon's."""
    (tmp_path / "file").write_text("")
    (tmp_path / "a.toml").write_text('[state]\ndirectory = "file/state"\n')
    assert load(tmp_path / "a.toml", {}, keeps=False).state.directory == tmp_path / "file/state"
    assert refused(tmp_path / "a.toml")[0].endswith(f"{DIRECTORY}: Not a directory")


def test_memory_needs_no_directory(tmp_path, capsys):
    """With history in memory nothing has to be kept; what `bridge check` then prints says so, too."""
    path = tmp_path / "a.toml"
    path.write_text('[history]\nbackend = "memory"\n[state]\ndirectory = ""\n')
    assert load(path, {}).state.directory is None
    assert main(["check", "--config", str(path)]) == 0
    (tmp_path / "told.toml").write_text(capsys.readouterr().out)
    assert load(tmp_path / "told.toml", {}) == load(path, {})


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        pytest.param({}, [], id="defaults"),
        pytest.param(
            {"mqtt": {"url": "mqtts://b", "insecure": True}},
            ["[mqtt] insecure = true: the broker's certificate is not checked, anyone can pose as it"],
            id="insecure",
        ),
        pytest.param(
            {"mqtt": {"url": "mqtt://b", "username": "u", "password": "p"}},
            ["[mqtt] url: the password travels unencrypted; mqtts:// or wss:// protects it"],
            id="password in the clear",
        ),
        pytest.param({"mqtt": {"username": "u", "password": "p"}}, [], id="password on this machine"),
        pytest.param(
            {"api": {"host": "0.0.0.0"}},
            [
                '[api] host = "0.0.0.0": tokens and passwords travel unencrypted; '
                "[tls], or a proxy with TLS, protects them"
            ],
            id="unencrypted",
        ),
        pytest.param({"api": {"host": "0.0.0.0"}, "proxy": {"trusted": ["10.0.0.1"]}}, [], id="behind a proxy"),
        pytest.param(
            {"api": {"host": "0.0.0.0"}, "auth": {"mode": "off"}},
            ['[auth] mode = "off", [api] host = "0.0.0.0": whoever reaches this machine can read everything'],
            id="open to the network",
        ),
        pytest.param(
            {"auth": {"mode": "off"}, "proxy": {"trusted": ["127.0.0.1"]}},
            ['[auth] mode = "off", [proxy] trusted: whoever comes through the proxy can read everything'],
            id="open behind a proxy",
        ),
        pytest.param({"api": {"host": "::1"}}, [], id="this machine, ipv6"),
        pytest.param(
            {"oidc": {"issuer": "https://login.example", "audience": ["bridge"]}},
            ["[oidc] issuer: its people can sign in and see nothing, as there is no [[grant]]"],
            id="nothing granted",
        ),
        pytest.param(
            {"grant": [{"claim": "roles", "value": "a", "admin": True}]},
            ["[[grant]]: nobody gets what it grants without [oidc] issuer"],
            id="nobody to grant it",
        ),
    ],
)
def test_cautions(raw, expected):
    """What is allowed and yet gives something away is warned of."""
    assert list(cautions(Settings.model_validate(raw))) == expected
