"""Settings that are allowed and yet deserve a warning."""

from urllib.parse import urlsplit

from bridge.config.rules import is_loopback
from bridge.config.settings import Settings


def cautions(settings: Settings) -> tuple[str, ...]:
    """One sentence for each setting that gives away something, for the log and for `bridge check`."""
    mqtt, api = settings.mqtt, settings.api
    found: list[str] = []
    if mqtt.insecure:
        found.append("[mqtt] insecure = true: the broker's certificate is not checked, anyone can pose as it")
    if mqtt.password is not None and not mqtt.encrypted and not is_loopback(urlsplit(mqtt.url).hostname or ""):
        found.append("[mqtt] url: the password travels unencrypted; mqtts:// or wss:// protects it")
    if not is_loopback(api.host):
        found.append(f'[api] host = "{api.host}": whoever reaches this machine can read everything')
    if settings.oidc.issuer and not settings.grant:
        found.append("[oidc] issuer: its people can sign in and see nothing, as there is no [[grant]]")
    if settings.grant and not settings.oidc.issuer:
        found.append("[[grant]]: nobody gets what it grants without [oidc] issuer")
    return tuple(found)
