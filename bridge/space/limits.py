"""What bounds the space (reliability.md, "Defaults"); reaching a limit is counted and logged, never silent."""

from msgspec import Struct


class Limits(Struct, frozen=True):
    """Numbers of elements, and sizes of topics and payloads that are modelled."""

    elements: int = 500_000  # room for 250,000 topics with what is above and in them: some 600 MB
    new_per_minute: int = 10_000  # elements a minute once the model is settled
    topic: int = 1_024  # bytes of UTF-8
    levels: int = 32
    fields: int = 256  # properties of one object that are modelled
    depth: int = 32  # levels of one payload that are modelled; deeper stays opaque
    instances: int = 10_000  # members of one collection (orders, say) before the longest silent go
