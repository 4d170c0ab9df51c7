"""Settings that are allowed and yet deserve a warning."""

from collections.abc import Iterator
from urllib.parse import urlsplit

from bridge.config.rules import is_loopback
from bridge.config.settings import Settings


def cautions(settings: Settings) -> tuple[str, ...]:
    """One sentence for each setting that gives away something, for the log and for `bridge check`."""
    mqtt = settings.mqtt
    found: list[str] = []
    if mqtt.insecure:
        found.append("[mqtt] insecure = true: the broker's certificate is not checked, anyone can pose as it")
    if mqtt.password is not None and not mqtt.encrypted and not is_loopback(urlsplit(mqtt.url).hostname or ""):
        found.append("[mqtt] url: the password travels unencrypted; mqtts:// or wss:// protects it")
    found += _of_access(settings)
    if settings.oidc.issuer and not settings.grant:
        found.append("[oidc] issuer: its people can sign in and see nothing, as there is no [[grant]]")
    if settings.grant and not settings.oidc.issuer:
        found.append("[[grant]]: nobody gets what it grants without [oidc] issuer")
    return tuple(found)


def _of_access(settings: Settings) -> Iterator[str]:
    """What is open to others, or said where others can hear it."""
    host, is_open = settings.api.host, settings.auth.mode == "off"
    can = "read and write" if settings.writes.enabled else "read"
    if is_loopback(host):
        if is_open and settings.proxy.trusted:
            yield f'[auth] mode = "off", [proxy] trusted: whoever comes through the proxy can {can} everything'
    elif is_open:
        yield f'[auth] mode = "off", [api] host = "{host}": whoever reaches this machine can {can} everything'
    elif settings.tls.cert_file is None and not settings.proxy.trusted:
        remedy = "[tls], or a proxy with TLS, protects them"
        yield f'[api] host = "{host}": tokens and passwords travel unencrypted; {remedy}'
