"""bridge: a Unified Namespace on an MQTT broker, served as an i3X 1.0 address space."""

from importlib.metadata import PackageNotFoundError, version

try:
    __version__ = version("i3x-bridge")
except PackageNotFoundError:  # a source tree that was not installed
    __version__ = "0.0.0"
