// Texts over time: a lane each, with a band for as long as a text held, over the axis of the chart beside it.
//
// Elements of the page, not a canvas: labels are texts, and there are never more bands than pixels.

import { html, useRef, useState } from "../vendor/preact.js";
import { lasting, local, worded } from "../lib/format.js";
import { ALARM, around, bands, stacked, stretches } from "../lib/states.js";

const LABELLED = 44; // pixels of a band from which on it has room for a label, or the beginning of one
const SEPARATE = 8; // pixels of a band that a line parts from the one before
const LETTER = 7; // pixels, at most
const SHORTEST = 8; // pixels of a selection
const REACH = 3; // pixels beside the pointer that are told as well
const MOST_TOLD = 6; // stretches at the pointer

/**
 * `tracks`: `[{id, name, line}]`; `view` and `until`, up to which is known what held, in seconds; `place`: `{left,
 * width}` of the plot; `shades`: text → colour; `onZoom([from, to])` in milliseconds.
 */
export function Timeline({ tracks, view, until, place, shades, onZoom, isLoading }) {
  const lanes = useRef(null);
  const [pointer, setPointer] = useState(null); // {x, id, from}: pixels, and where a selection began
  const [from, to] = view;
  const timeAt = (x) => from + (x / place.width) * (to - from);
  const see = (event) => {
    const x = event.clientX - lanes.current.getBoundingClientRect().left - place.left;
    const id = event.target.closest("[data-id]")?.dataset.id ?? pointer?.id;
    return { x: Math.max(0, Math.min(x, place.width)), id };
  };
  const begin = (event) => {
    if (event.button !== 0) return;
    lanes.current.setPointerCapture(event.pointerId);
    const found = see(event);
    setPointer({ ...found, from: found.x });
  };
  const move = (event) => setPointer((before) => ({ ...see(event), from: before?.from ?? null }));
  const end = () => {
    if (pointer?.from !== null && pointer && Math.abs(pointer.x - pointer.from) >= SHORTEST) {
      onZoom([pointer.from, pointer.x].sort((one, other) => one - other).map((x) => timeAt(x) * 1000));
    }
    setPointer(null);
  };
  const inside = { left: `${place.left}px`, width: `${place.width}px` };
  const track = pointer && tracks.find(({ id }) => id === pointer.id);
  return html`
    <div class="timeline" role="img" aria-busy=${isLoading} ref=${lanes}
      aria-label="Timeline of ${tracks.map(({ name }) => name).join(", ")}; the table below has its figures"
      onPointerDown=${begin} onPointerMove=${move} onPointerUp=${end} onPointerCancel=${() => setPointer(null)}
      onPointerLeave=${() => pointer?.from === null && setPointer(null)}>
      ${tracks.map((one) => html`<${Lane} key=${one.id} track=${one} view=${view} until=${until} inside=${inside}
        width=${place.width} shades=${shades} />`)}
      ${pointer && html`<div class="timeline-over" style=${inside}>
        <div class="timeline-cursor" style=${{ left: `${pointer.x}px` }}></div>
        ${pointer.from !== null && html`<div class="timeline-chosen" style=${{
          left: `${Math.min(pointer.x, pointer.from)}px`, width: `${Math.abs(pointer.x - pointer.from)}px` }}></div>`}
        ${track?.line && html`<${Note} track=${track} at=${timeAt(pointer.x)} reach=${timeAt(REACH) - from}
          view=${view} until=${until} x=${pointer.x} width=${place.width} />`}</div>`}
    </div>`;
}

function Lane({ track, view, until, inside, width, shades }) {
  const shown = track.line ? bands(stretches(track.line, view[0], until), view[0], view[1], width) : [];
  const isStacked = shown.some(({ parts }) => parts);
  const remark = isStacked && " (short states are stacked by how long they held; zoom in)";
  return html`<div class="lane" data-id=${track.id}>
    <div class="lane-name" style=${inside}>${track.name}${remark}</div>
    <div class="lane-bands" style=${inside}>
      ${shown.map((band, index) => html`<${Band} key=${index} band=${band} shades=${shades} />`)}</div></div>`;
}

function Band({ band, shades }) {
  const backgroundImage = band.parts ? columnOf(band.parts, shades) : "";
  const place = { left: `${band.left.toFixed(1)}px`, width: `${band.width.toFixed(1)}px`, backgroundImage };
  if (band.parts) return html`<div class="band stacked" style=${place}></div>`;
  const kinds = ["band", `line-${shades.get(band.text) ?? 0}`];
  if (band.isDoubted) kinds.push("doubted");
  if (band.isShort) kinds.push("brief");
  if (band.width >= SEPARATE) kinds.push("separate");
  const label = worded(band.text);
  const hasRoom = band.width >= Math.min(LABELLED, label.length * LETTER + 10);
  return html`<div class=${kinds.join(" ")} style=${place}>${hasRoom && html`<span>${label}</span>`}</div>`;
}

function columnOf(parts, shades) {
  const percents = (from, to) => `${(from * 100).toFixed(1)}% ${(to * 100).toFixed(1)}%`;
  const stops = stacked(parts, shades).map(([text, from, to]) => `${colour(shades.get(text))} ${percents(from, to)}`);
  return `linear-gradient(to top, ${stops.join(", ")})`;
}

function colour(shade) {
  return shade === ALARM ? "var(--bad)" : `var(--line-${shade ?? 0})`;
}

/** What the lane says at the pointer: text, from when to when, how long. */
function Note({ track, at, reach, view, until, x, width }) {
  const found = around(stretches(track.line, view[0], until), at, reach);
  const isLeft = x < width / 2;
  const side = isLeft ? { left: `${x + 12}px` } : { right: `${width - x + 12}px` };
  return html`<div class="chart-note" style=${side}>
    <div class="muted">${track.name}, ${local(Math.round(at * 1000))}</div>
    ${found.length === 0 && html`<div>no value</div>`}
    ${found.slice(0, MOST_TOLD).map((one) => html`<div><b>${worded(one.text)}</b>${one.isDoubted && ", in doubt"}:
      ${" "}${told(one)}</div>`)}
    ${found.length > MOST_TOLD && html`<div>and ${found.length - MOST_TOLD} more; zoom in</div>`}</div>`;
}

function told({ since, until, to }) {
  const how = lasting(((until ?? to) - since) * 1000);
  const [begin, end] = [local(since * 1000), until === null ? "" : local(until * 1000)];
  const sameDay = end.slice(0, 10) === begin.slice(0, 10);
  return until === null ? `since ${begin}, ${how}` : `${begin} to ${sameDay ? end.slice(11) : end}, ${how}`;
}
