"""TOML → frozen, validated settings.

`load` is the way in; everything else reads plain attributes (`settings.mqtt.url`). Each setting has a
default, so no file is needed; an unknown key is a mistake; secrets come from files or the environment, never
from the TOML. `settings` holds the sections, `topics` the rules about topics, `rules` and `files` what a value may be,
`mistakes` the words.
"""

from bridge.config.access import (
    AuthSettings,
    ConnectionSettings,
    GrantSettings,
    OidcSettings,
    ProxySettings,
    TlsSettings,
)
from bridge.config.cautions import cautions
from bridge.config.load import PASSWORD_VARIABLE, STATE_VARIABLE, load
from bridge.config.settings import (
    ApiSettings,
    HistorySettings,
    LimitSettings,
    LogSettings,
    ModelSettings,
    MqttSettings,
    Settings,
    StateSettings,
    StreamSettings,
    SubscriptionSettings,
)
from bridge.config.topics import RuleSettings
from bridge.config.writing import WriteSettings

__all__ = [
    "PASSWORD_VARIABLE",
    "STATE_VARIABLE",
    "ApiSettings",
    "AuthSettings",
    "ConnectionSettings",
    "GrantSettings",
    "HistorySettings",
    "LimitSettings",
    "LogSettings",
    "ModelSettings",
    "MqttSettings",
    "OidcSettings",
    "ProxySettings",
    "RuleSettings",
    "Settings",
    "StateSettings",
    "StreamSettings",
    "SubscriptionSettings",
    "TlsSettings",
    "WriteSettings",
    "cautions",
    "load",
]
