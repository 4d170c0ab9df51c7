"""The `Source` protocol: an async context manager that yields batches of messages for ever.

What a source must do (tests/unit/sources/contract.py proves it for each one):

- `batches()` yields non-empty batches in order of arrival; whatever has queued up meanwhile comes in one batch, at
  most `MAX_BATCH` messages long, so that no batch stalls the event loop.
- A message of QoS 1 or 2 is acknowledged to the broker only after `Batch.done()` was called. A batch that is never
  done is delivered again after a restart.
- Losing the broker is no exception: the source reconnects for ever and tells through `health()`.
- It ends (StopAsyncIteration) only when it was closed, when after `stop()` all that had arrived was given or, for a
  recorded file, when everything was read; a fault that can never heal (another client took our client id for good)
  raises `StartError`.
"""

from collections.abc import AsyncIterator, Callable, Sequence
from types import TracebackType
from typing import Protocol, Self

from msgspec import Struct

from bridge.uns import Message

MAX_BATCH = 500  # messages; about 10 ms of work


def _nothing() -> None:
    """A source without acknowledgements has nothing to do when a batch is done."""


class Batch(Struct):
    """Messages in order of arrival, and what to call when they are safe."""

    messages: Sequence[Message]
    done: Callable[[], None] = _nothing
    waiting: int = 0  # messages of QoS 1 and 2 from a broker: it keeps them until they are done, or sends them again


class Health(Struct, frozen=True):
    """What `/readyz` and `/metrics` tell about a source.

    `problems` are sentences for an operator, empty when all is well ("broker localhost:1883 refuses connections",
    "filter 'plant/#' refused by the broker: not authorized"). `since_ns` is when `connected` last changed.
    """

    connected: bool
    since_ns: int
    problems: tuple[str, ...] = ()
    reconnects: int = 0
    undecodable: int = 0  # publications whose topic was not legal UTF-8; counted as rejected
    sessions_lost: int = 0  # connects after the first at which the broker had forgotten our session: a gap in the data
    resumed: bool = False  # whether the broker knew our session at the last connect
    protocol: str = ""  # of the last connect; "" where it is not known


class Source(Protocol):
    """See the module's text."""

    async def __aenter__(self) -> Self: ...

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def batches(self) -> AsyncIterator[Batch]: ...

    def stop(self) -> None:
        """Take nothing more from the broker; what is done can still be acknowledged, until the source is closed."""
        ...

    def health(self) -> Health: ...


class NotDelivered(Exception):
    """The broker has not taken a message, or has not said so; `str()` tells why.

    `sent`: it has gone to the broker, whose answer did not come. It may have been taken nevertheless.
    """

    def __init__(self, reason: str, *, sent: bool = False) -> None:
        super().__init__(reason)
        self.sent = sent


class Publishing(Source, Protocol):
    """A source that can publish too, in the few cases where the bridge is allowed to."""

    async def deliver(self, message: Message, timeout: float) -> None:  # noqa: ASYNC109 - the deadline is the broker's
        """Publish, and return when the broker has acknowledged it: QoS 1 and 2; QoS 0 when it is on its way.

        It is sent now or never: what fails is not sent later, and nothing is sent twice. Raises `NotDelivered`.
        """
        ...

    def publish(self, message: Message) -> bool:
        """Send a message with QoS 0, now or never; whether there was a connection to send it over."""
        ...
