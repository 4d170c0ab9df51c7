// Texts over time: which text held from when to when, how long, and in which colour. Pure: times are arguments, in
// seconds.
//
// Of readings that say the same one after the other the first is kept, so that memory grows with changes only.

import { instant, short } from "./format.js";

export const SHADES = 8; // colours of bands, style: line-0 …
export const ALARM = 8; // one more, line-8, which only faults have
const NARROWEST = 3; // pixels of a band: shorter ones are drawn so wide
const COLUMN = 6; // pixels of what is made of several short ones
const LOWEST = 0.15; // of a column's height, what held in it for a moment only

/** `{times, texts, marks}` of rows of the API, as they come; `heard` is the time of the latest reading. */
export function statesOf(rows) {
  const line = { times: [], texts: [], marks: [], heard: -Infinity };
  for (const row of rows) add(line, row);
  return line;
}

/**
 * One more reading; one at the latest one's time takes its place, an older one is left out. Whether anything changed.
 * `now`, of what is live: when only the quality of the latest reading is another, it is so from now on.
 */
export function add(line, { value, quality, timestamp }, now = null) {
  let at = instant(timestamp) / 1000;
  if (Number.isNaN(at) || at < line.heard) return false;
  const [text, mark] = [textOf(value), quality[0]];
  const last = line.times.length - 1;
  if (now !== null && at === line.heard && last >= 0 && line.texts[last] === text) {
    if (line.marks[last] === mark) return false;
    at = Math.max(now, at);
  } else {
    line.heard = at;
  }
  let hasChanged = false;
  while (line.times.length && line.times.at(-1) >= at) {
    for (const part of parts(line)) part.pop();
    hasChanged = true;
  }
  if (line.times.length && line.texts.at(-1) === text && line.marks.at(-1) === mark) return hasChanged;
  line.times.push(at);
  line.texts.push(text);
  line.marks.push(mark);
  return true;
}

function textOf(value) {
  if (value === null || value === undefined) return null;
  return typeof value === "string" ? value : short(value);
}

function parts({ times, texts, marks }) {
  return [times, texts, marks];
}

/** Let go of what ended before a time. */
export function trim(line, from) {
  let drop = 0;
  while (drop + 1 < line.times.length && line.times[drop + 1] <= from) drop += 1;
  if (drop > 0) for (const part of parts(line)) part.splice(0, drop);
}

/**
 * `[{text, isDoubted, from, to, since, until}]` within a range; `since` and `until` may lie outside, `until` is null
 * where it still holds. Where there is no value there is none.
 */
export function stretches(line, from, to) {
  const found = [];
  line.times.forEach((since, index) => {
    const until = line.times[index + 1] ?? null;
    const [begin, end] = [Math.max(since, from), Math.min(until ?? to, to)];
    const text = line.texts[index];
    if (end > begin && text !== null) {
      found.push({ text, isDoubted: line.marks[index] === "U", from: begin, to: end, since, until });
    }
  });
  return found;
}

/** The text that holds at a time, or null. */
export function lastOf(line, to) {
  const index = line.times.findLastIndex((at) => at <= to);
  return index < 0 || line.texts[index] === null ? null : line.texts[index];
}

/** What lies within `tolerance` seconds of a time. */
export function around(found, at, tolerance) {
  return found.filter(({ from, to }) => from <= at + tolerance && to >= at - tolerance);
}

/**
 * `{shares: [{text, seconds, share, count}], none, begin}`, the longest first, as shares of the range from where
 * something is known, `begin`; `none` is the share without a value.
 */
export function shares(line, from, to) {
  const found = stretches(line, from, to);
  const texts = new Map();
  const begin = Math.max(from, Math.min(to, line.times[0] ?? to));
  const whole = to - begin;
  let sum = 0;
  found.forEach(({ text, from: start, to: end }, index) => {
    const known = texts.get(text) ?? { text, seconds: 0, count: 0 };
    const before = found[index - 1];
    known.seconds += end - start;
    known.count += before?.text === text && before.to === start ? 0 : 1;
    texts.set(text, known);
    sum += end - start;
  });
  const sorted = [...texts.values()].sort((one, other) => other.seconds - one.seconds);
  const none = whole > 0 ? 1 - sum / whole : 0;
  return { shares: sorted.map((one) => ({ ...one, share: one.seconds / whole })), none: none < 1e-6 ? 0 : none, begin };
}

/** A share as people read it; what there is is never 0 %, and what is not all never 100 %. */
export function percent(share) {
  const value = share * 100;
  if (value > 0 && value < 0.1) return "< 0.1 %";
  if (value > 99.9 && value < 100) return "> 99.9 %";
  return `${value < 10 || value > 90 ? Number(value.toFixed(1)) : Math.round(value)} %`;
}

/**
 * Stretches as bands on a lane so many pixels wide: `{text, isDoubted, isShort, left, width, parts}`. None is lost: a
 * short one among long ones is as wide as can be seen; of short ones side by side each few pixels are one column, whose
 * `parts` (text → seconds) are what held in it; of others `parts` is null.
 */
export function bands(found, from, to, width) {
  const made = [];
  const scale = width / (to - from);
  for (const { text, isDoubted, from: begin, to: end } of found) {
    const [left, right] = [(begin - from) * scale, (end - from) * scale];
    const isShort = right - left < NARROWEST;
    const last = made.at(-1);
    if (isShort && last?.isShort && left <= last.left + last.width && right <= last.left + COLUMN) {
      last.width = Math.max(last.width, right - last.left);
      last.parts ??= new Map([[last.text, last.seconds]]);
      last.parts.set(text, (last.parts.get(text) ?? 0) + end - begin);
      continue;
    }
    const shown = Math.max(0, Math.min(left, width - NARROWEST));
    const shape = { left: shown, width: Math.max(right - left, NARROWEST), parts: null };
    made.push({ text, isDoubted, isShort, seconds: end - begin, ...shape });
  }
  return made;
}

/** Parts of a column as `[[text, from, to], …]`: shares of its height, in the order of colours; each can be seen. */
export function stacked(parts, shades) {
  const sorted = [...parts].sort(([one], [other]) => shades.get(one) - shades.get(other) || (one < other ? -1 : 1));
  const whole = sorted.reduce((sum, [, seconds]) => sum + seconds, 0);
  const heights = sorted.map(([, seconds]) => Math.max(seconds / whole, LOWEST));
  const sum = heights.reduce((one, other) => one + other, 0);
  let top = 0;
  return sorted.map(([text], index) => [text, top / sum, (top += heights[index]) / sum]);
}

/** What some states are called everywhere, and the colours that people expect; only a preference. */
const EXPECTED = [
  [/^(running|run|execute|executing|producing|production|operating|on|ok)$/i, 2],
  [/^(idle|stopped|stop|off|standby|ready|waiting|offline)$/i, 7],
  [/^(fault|faulted|error|failure|failed|alarm|abort|aborted|aborting|trip|tripped|emergency.?stop|down)$/i, ALARM],
  [/^(held|holding|suspended|blocked|starved|warning|paused)$/i, 1],
  [/^(maintenance|setup|changeover|cleaning|cip|service)$/i, 4],
];

/** Give each text a colour that it keeps, in `known` (text → 0 … 8); texts that are gone make room for new ones. */
export function paint(known, texts) {
  const present = new Set(texts);
  const isNew = [...present].filter((text) => !known.has(text));
  if (known.size + isNew.length > SHADES) for (const text of known.keys()) if (!present.has(text)) known.delete(text);
  const taken = new Set(known.values());
  for (const text of isNew.sort((one, other) => isExpected(other) - isExpected(one))) {
    let shade = preferred(text);
    for (let tried = 0; taken.has(shade) && tried < SHADES; tried += 1) shade = (shade + 1) % SHADES;
    known.set(text, shade);
    taken.add(shade);
  }
}

function isExpected(text) {
  return Number(EXPECTED.some(([words]) => words.test(text)));
}

function preferred(text) {
  const expected = EXPECTED.find(([words]) => words.test(text));
  if (expected) return expected[1];
  let sum = 0;
  for (const letter of text.slice(0, 200)) sum = (sum * 31 + letter.codePointAt(0)) >>> 0;
  return sum % SHADES;
}

const LINES = new Set(["number", "integer", "boolean"]);
const STRUCTURED = new Set(["object", "array"]);

/** How values of a schema are drawn: "line", "states", "none" (structured); null where the schema does not tell. */
export function kindOf(schema) {
  const shapes = [schema?.type].flat().filter((shape) => shape && shape !== "null");
  if (!shapes.length) return null;
  if (shapes.every((shape) => LINES.has(shape))) return "line";
  if (shapes.every((shape) => shape === "string")) return "states";
  return shapes.every((shape) => STRUCTURED.has(shape)) ? "none" : null;
}

/** The same by values: what most of them are; null where there are none. */
export function kindOfValues(values) {
  const counts = { states: 0, line: 0, none: 0 };
  for (const value of values) {
    if (value === null || value === undefined) continue;
    counts[typeof value === "string" ? "states" : typeof value === "object" ? "none" : "line"] += 1;
  }
  const [kind, most] = Object.entries(counts).reduce((best, one) => (one[1] > best[1] ? one : best));
  return most ? kind : null;
}
