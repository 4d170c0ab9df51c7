// A chart is zoomed by a finger as by a mouse: drawn across it, what is between is chosen. Up and down still scrolls,
// style: touch-action.

export const SHORTEST = 8; // pixels of a selection

/** Let fingers choose on `over`, the area of a uPlot; `zoom([from, to])` in milliseconds. Gives what ends it. */
export function touched(over, chart, zoom) {
  const ended = new AbortController();
  let begin = null;
  const at = (event) => {
    const { left, width } = over.getBoundingClientRect();
    return Math.max(0, Math.min(event.clientX - left, width));
  };
  const show = (from, to) => {
    const height = from === to ? 0 : over.clientHeight;
    chart.setSelect({ left: Math.min(from, to), width: Math.abs(to - from), top: 0, height }, false);
  };
  const on = (name, does) => {
    const hear = (event) => event.pointerType !== "mouse" && does(event);
    over.addEventListener(name, hear, { signal: ended.signal });
  };
  on("pointerdown", (event) => {
    begin = event.isPrimary ? at(event) : null; // two fingers choose nothing
  });
  on("pointermove", (event) => begin !== null && event.isPrimary && show(begin, at(event)));
  on("pointercancel", () => {
    begin = null;
    show(0, 0);
  });
  on("pointerup", (event) => {
    if (begin === null) return;
    const range = [begin, at(event)].sort((one, other) => one - other);
    begin = null;
    show(0, 0);
    if (range[1] - range[0] >= SHORTEST) zoom(range.map((x) => chart.posToVal(x, "x") * 1000));
  });
  return () => ended.abort();
}
