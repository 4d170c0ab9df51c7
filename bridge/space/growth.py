"""How fast a space grows: whether its model may settle, and whether a settled one takes more elements this minute.

A model settles once nothing has been new for a discovery window; where it never gets quiet, after a few windows. But it
does not settle while it is *loading*: while elements come faster than a settled model would take them, because then the
broker is still sending what it has stored, and most of that would be refused.
"""

from bridge.uns.moments import SECOND

MINUTE = 60 * SECOND
_LONGEST_YOUTH = 3  # discovery windows: a namespace that never gets quiet is settled all the same


class Growth:
    """`window_ns` is the discovery window, `new_per_minute` what a settled model takes. Before the first `look` nothing
    is known of the rate.
    """

    def __init__(self, window_ns: int, new_per_minute: int) -> None:
        self.loading = False
        self._window_ns = window_ns
        self._new_per_minute = new_per_minute
        self._first_ns = 0  # when the first element came
        self._last_ns = 0
        self._minute = 0
        self._new_in_minute = 0
        self._looked_ns = 0
        self._size = 0  # at the last look

    def grew(self, now_ns: int) -> None:
        """There is a new element."""
        self._first_ns = self._first_ns or now_ns
        self._last_ns = now_ns

    def admits(self, elements: int, now_ns: int) -> bool:
        """Whether a settled model takes so many more now."""
        minute = now_ns // MINUTE
        if minute != self._minute:
            self._minute, self._new_in_minute = minute, 0
        self._new_in_minute += elements
        return not elements or self._new_in_minute <= self._new_per_minute

    def look(self, size: int, now_ns: int) -> None:
        """Judge anew how fast it goes, once a second however often this is called."""
        passed = now_ns - self._looked_ns
        if not 0 <= passed < SECOND:
            self.loading = passed > 0 and (size - self._size) * MINUTE > self._new_per_minute * passed
            self._looked_ns, self._size = now_ns, size

    def is_over(self, now_ns: int) -> bool:
        """Whether it is time to settle."""
        if not self._first_ns:
            return False
        if now_ns - self._last_ns >= self._window_ns:
            return True
        return not self.loading and now_ns - self._first_ns >= _LONGEST_YOUTH * self._window_ns
