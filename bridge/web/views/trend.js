// A chart of some elements: history of the range, and then what comes.
//
// A range that ends now moves on: each update is one more point, and what has left the range is let go. A long range is
// aggregated by the bridge, its line is the mean over time in a band from least to greatest, and it is asked for anew now
// and then; so is a line of more readings than are drawn, for its mean. A range that somebody has zoomed into stands
// still. Each unit has a scale of its own. Texts are bands in lanes over the same time; they are never aggregated, what
// changes is added.

import { html, useEffect, useMemo, useRef, useState } from "../vendor/preact.js";
import { now } from "../lib/api.js";
import { worded } from "../lib/format.js";
import * as history from "../lib/history.js";
import { useAnswer } from "../lib/hooks.js";
import * as live from "../lib/live.js";
import * as model from "../lib/model.js";
import { named } from "../lib/names.js";
import { add, around, paint, stretches, trim } from "../lib/states.js";
import { knownUntil, RANGES } from "../lib/trends.js";
import { Figures } from "./figures.js";
import { Failure } from "./parts.js";
import { COLOURS, Plot } from "./plot.js";
import { Timeline } from "./timeline.js";

export { COLOURS };
const REFRESH_MS = 30_000; // of what the bridge has reckoned or thinned, at most
const SOONEST_MS = 5_000; // the same, at least
const REFRESHES = 20; // of what the bridge has thinned, while the range passes by
const LANE = 44; // pixels
const REFILL = 10_000; // changes of a text after which the bridge is asked anew

export function Trend({ ids, range, fixed = null, onZoom = () => {}, compact = false }) {
  const key = JSON.stringify(ids);
  const span = RANGES.get(range) ?? RANGES.get("15m");
  const [round, setRound] = useState(0);
  const { data: elements, error } = useAnswer(
    (signal) => whatTheyAre(ids, ...(fixed ?? [now() - span, now()]), signal),
    [key, round, live.reopened.value],
  );
  if (error && !elements) return html`<${Failure} error=${error} what="No history" />`;
  if (!elements) return html`<div class=${compact ? "chart compact" : "chart"} aria-busy="true"></div>`;
  const isNothingDrawn = elements.every(({ kind }) => kind === "none");
  if (isNothingDrawn) return html`<${Figures} ...${NOTHING} elements=${elements} compact=${compact} />`;
  return html`<${Drawn} key=${key} elements=${elements} range=${range} fixed=${fixed} onZoom=${onZoom} 
    compact=${compact} unlike=${() => setRound((before) => before + 1)} />`;
}

const NOTHING = { lines: [], tracks: [], view: [0, 1], until: 1, shades: new Map() };

/** `[{id, index, name, object, kind, isUnsure}]`. */
async function whatTheyAre(ids, from, to, signal) {
  const found = await named(ids);
  const types = model.types.peek();
  const schemas = new Map(found.map(({ id, object }) => [id, types.get(object?.typeElementId)?.schema]));
  const kinds = await history.kinds(schemas, from, to, signal);
  return found.map((one, index) => {
    const kind = kinds.get(one.id);
    return { ...one, index, kind: kind ?? "line", isUnsure: kind === null };
  });
}

/** History of what is drawn as lines, and of what is drawn as bands; each asked for when its time has come. */
function useHistory(lines, texts, range, window) {
  const span = RANGES.get(range) ?? RANGES.get("15m");
  const key = `${JSON.stringify([lines, texts])} ${range} ${window}`;
  const [rounds, setRounds] = useState({ lines: 0, texts: 0 });
  const again = (name) => setRounds((before) => ({ ...before, [name]: before[name] + 1 }));
  const asked = (ids, load, put) => async (signal) => {
    const begun = now();
    const [from, to] = window ?? [begun - span, begun];
    const meanwhile = overhear(window ? [] : ids, put, signal);
    try {
      const data = await load(ids, from, Math.max(from + 1, Math.min(to, begun)), signal);
      meanwhile.into(data.found);
      return { ...data, from, to, asked: begun, meanwhile };
    } catch (error) {
      meanwhile.end();
      throw error;
    }
  };
  const numbers = useAnswer(
    asked(lines, history.trend, ({ rows, least }, update) => least || rows?.push(update)),
    [key, rounds.lines, live.reopened.value],
  );
  const found = async (...of) => ({ found: await history.texts(...of) });
  const states = useAnswer(
    asked(texts, found, ({ line }, ...heard) => line && add(line, ...heard)),
    [key, rounds.texts, live.reopened.value],
  );
  const wait = window ? 0 : refreshOf(numbers.data, span);
  useEffect(() => {
    if (!wait) return undefined;
    const timer = setInterval(() => document.hidden || again("lines"), wait);
    return () => clearInterval(timer);
  }, [key, wait]);
  return { numbers, states, again, span: window ? null : span };
}

/**
 * What elements say while their history is asked for, so that none of it is missing: it is `put` into what was found,
 * and goes on so until `end`, or `signal` says stop.
 */
function overhear(ids, put, signal) {
  let told = [];
  let take = (...one) => told.push(one);
  const ends = ids.map((id) => live.listen(id, (update) => take(id, update, now() / 1000)));
  const into = (found) => {
    take = (id, ...heard) => put(found.get(id), ...heard);
    for (const one of told) take(...one);
    told = [];
  };
  const end = () => {
    for (const stop of ends.splice(0)) stop();
  };
  signal.addEventListener("abort", end, { once: true });
  return { into, end };
}

/** After how many milliseconds lines are asked for anew; 0 where what comes is enough. */
function refreshOf(data, span) {
  if (data?.interval) return REFRESH_MS;
  const isReckoned = data && [...data.found.values()].some(({ reckoned }) => reckoned);
  return isReckoned ? Math.max(SOONEST_MS, Math.min(REFRESH_MS, span / REFRESHES)) : 0;
}

/** Up to which second it is known what holds; a range that stands still is as it was when it was asked for. */
function knownIn(span, ...asked) {
  const last = Math.max(...asked.filter(Boolean));
  if (!span) return last / 1000;
  return knownUntil(now(), live.connection.peek().is === "live", live.received.at, last) / 1000;
}

function Drawn({ elements, range, fixed, onZoom, compact, unlike }) {
  const [plotted, texts] = useMemo(
    () => ["line", "states"].map((kind) => elements.filter((one) => one.kind === kind)),
    [elements],
  );
  const { numbers, states, again, span } = useHistory(idsOf(plotted), idsOf(texts), range, fixed);
  const [lines, setLines] = useState([]);
  const [view, setView] = useState(null);
  const [place, setPlace] = useState({ left: 0, width: 0 });
  const redraw = useRef(() => {});
  const tracks = useTracks(texts, states.data, span, redraw, () => again("texts"));
  const shades = useRef(new Map()).current;
  const { data, error, loading } = numbers;
  if (error && !data) return html`<${Failure} error=${error} what="No history" />`;
  if (!data) return html`<div class=${compact ? "chart compact" : "chart"} aria-busy="true"></div>`;
  const [from, to] = view ?? [data.from / 1000, data.to / 1000];
  const until = Math.min(to, knownIn(span, data.asked, states.data?.asked));
  paint(shades, tracks.flatMap(({ line }) => (line ? stretches(line, from, until).map(({ text }) => text) : [])));
  const told = {
    lines: setLines,
    view: setView,
    place: (next) => setPlace((before) => (before.left === next.left && before.width === next.width ? before : next)),
    zoom: onZoom,
    refill: () => again("lines"),
    unlike,
  };
  const also = (at) => tracks.flatMap((track) => saidAt(track, at, until));
  return html`
    <div class=${plotted.length ? "" : "axis-below"}>
      <${Plot} elements=${plotted} below=${texts.length * LANE} data=${data} span=${span} compact=${compact}
        known=${() => knownIn(span, data.asked)} told=${told} also=${also} redraw=${redraw} isLoading=${loading} />
      ${texts.length > 0 && html`<${Timeline} tracks=${tracks} view=${[from, to]} until=${until} place=${place}
        shades=${shades} onZoom=${onZoom} isLoading=${states.loading} />`}</div>
    ${states.error && !states.data && html`<${Failure} error=${states.error} what="No history of texts" />`}
    <${Figures} elements=${elements} lines=${lines} tracks=${states.data ? tracks : []} view=${[from, to]}
      until=${until} shades=${shades} compact=${compact} />
    <${Remarks} data=${data} tracks=${tracks} />`;
}

function idsOf(elements) {
  return elements.map(({ id }) => id);
}

/** `[{id, name, line, isThinned} | {id, name, error}]` of elements that say texts, live where there is a `span`. */
function useTracks(texts, data, span, redraw, refill) {
  const tracks = useMemo(
    () => texts.map(({ id, name }) => ({ id, name, ...data?.found.get(id) })),
    [texts, data],
  );
  useEffect(() => {
    if (!span) return undefined;
    const drawn = tracks.filter(({ line }) => line);
    const ends = drawn.map(({ id, line }) => {
      const most = line.times.length + REFILL;
      let isFull = false;
      return live.listen(id, (update) => {
        if (!add(line, update, now() / 1000)) return;
        redraw.current();
        if (line.times.length > most && !isFull) {
          isFull = true;
          refill();
        }
      });
    });
    data?.meanwhile.end();
    const timer = setInterval(() => drawn.forEach((track) => keepUp(track, span)), 1_000);
    return () => {
      clearInterval(timer);
      for (const end of ends) end();
    };
  }, [tracks, span]);
  return tracks;
}

/** What was read and not heard counts, too: a value may be in doubt meanwhile. What has left the range is let go. */
function keepUp({ id, line }, span) {
  const last = live.latest(id);
  if (last && !last.error) add(line, last, now() / 1000);
  trim(line, (now() - span) / 1000);
}

/** What a text says at a time, for the note of the chart of numbers. */
function saidAt({ name, line }, at, until) {
  const found = line ? around(stretches(line, at - 1, Math.max(at, until)), at, 0).at(-1) : null;
  return [`${name}: ${found ? worded(found.text) : "–"}`];
}

function Remarks({ data, tracks }) {
  const thinned = tracks.filter(({ isThinned }) => isThinned).map(({ name }) => name);
  return html`
    ${data.partial && html`<p class="muted">${data.partial}</p>`}
    ${data.interval && html`<p class="muted">Means over ${data.interval} s with least and greatest, reckoned by the
      bridge; zoom in for single readings.</p>`}
    ${thinned.length > 0 && html`<p class="muted">${thinned.join(", ")}: more changes than fit, thinned by the bridge.
      Short states may be missing, and the shares are estimates; zoom in to see each.</p>`}`;
}
