"""What is noted of an element's last reading, so that a later run can put it back as it was."""

from collections.abc import Mapping
from typing import Any

from msgspec import Struct, structs

from bridge.space import Vqt
from bridge.uns import Hint, Json, Quality, Reading
from bridge.uns.payload import structure

EVERYTHING_NS = (1 << 63) - 1  # later than any time of receipt: nothing is left out


class ElementNote(Struct, frozen=True, array_like=True):
    """An element by its id, with its last reading. Times are nanoseconds since 1970 UTC; those of the reading are as in
    `Node`. `terms` tells how the payload was read: a reading that another configuration would have read otherwise is
    not put back.
    """

    ident: str
    value: Json
    quality: Quality
    time_ns: int
    said_ns: int
    received_ns: int
    created_ns: int = 0
    terms: int = 0
    binary: bool = False
    unconfirmed: bool = False  # the broker's stored copy without a time of its own
    gone: bool = False  # its source was gone as of the note
    standing: str = ""  # what is known of it as a status; see `Liveness.standing`
    raw_topic: str | None = None
    unit: str | None = None
    description: str | None = None
    attributes: Mapping[str, Any] | None = None
    hint: Hint | None = None
    former: dict[str, Any] | None = None  # samples of attributes that the value has not; see `former`

    def reading(self, topic: str) -> Reading:
        """As it came. Unit and description are left out: what others say about the element comes before them."""
        return Reading(
            topic,
            self.value,
            self.quality,
            structure(self.value),
            self.said_ns or None,
            attributes=self.attributes,
            binary=self.binary,
            hint=self.hint,
            raw_topic=self.raw_topic,
        )

    def followed_by(self, vqt: Vqt, now_ns: int) -> "ElementNote":
        """The same element with a newer reading, of which no more is known. What names its times goes on doing so."""
        value, quality, time_ns = vqt
        return structs.replace(
            self,
            value=value,
            quality=quality,
            time_ns=time_ns,
            said_ns=time_ns if self.said_ns else 0,
            received_ns=max(self.received_ns, min(time_ns, now_ns)),
            binary=self.binary and type(value) is str,
            unconfirmed=False,
            gone=False,
        )


def unnoted(ident: str, vqt: Vqt, terms: int, now_ns: int) -> ElementNote:
    """The note of an element of which no more than its last value-quality-timestamp is known. Its time counts as its
    own: then a message that names this time and comes again is a duplicate.
    """
    value, quality, time_ns = vqt
    received_ns = min(time_ns, now_ns)
    return ElementNote(ident, value, quality, time_ns, time_ns, received_ns, received_ns, terms)
