// Ranges of the past, `[from, to]` in milliseconds, and their neighbours. Pure; none goes beyond now.

/** The half in the middle. */
export function nearer([from, to]) {
  const quarter = (to - from) / 4;
  return [from + quarter, to - quarter];
}

/** Twice as much around the same middle. */
export function wider([from, to], now) {
  const half = (to - from) / 2;
  return [from - half, Math.min(to + half, now)];
}

/** Half a range before. */
export function earlier([from, to]) {
  const half = (to - from) / 2;
  return [from - half, to - half];
}

/** Half a range after, or the latest that there is. */
export function later([from, to], now) {
  const step = Math.max(0, Math.min((to - from) / 2, now - to));
  return [from + step, to + step];
}
