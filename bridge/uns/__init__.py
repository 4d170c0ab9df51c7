"""What comes from the broker: messages, topics and element ids, payload codecs, the finding of VQTs in payloads."""

from bridge.uns.message import BAD, GOOD, NO_DATA, UNCERTAIN, Hint, Json, Message, Quality, Reading, Rejected

__all__ = ["BAD", "GOOD", "NO_DATA", "UNCERTAIN", "Hint", "Json", "Message", "Quality", "Reading", "Rejected"]
