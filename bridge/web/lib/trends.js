// What a trend asks for and how its rows become lines. Pure: times are arguments, in milliseconds.

import { stringify } from "./exact.js";
import { instant } from "./format.js";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** The ranges on offer, and how they are called. */
export const RANGES = new Map([
  ["1m", MINUTE],
  ["5m", 5 * MINUTE],
  ["15m", 15 * MINUTE],
  ["1h", HOUR],
  ["6h", 6 * HOUR],
  ["24h", DAY],
  ["7d", 7 * DAY],
  ["30d", 30 * DAY],
]);

const LONG = 12 * HOUR; // from here on the bridge aggregates
const INTERVALS = 400; // of a long range
const STEPS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400, 21_600, 43_200, 86_400]; // seconds
export const MOST_POINTS = 1_500; // of one line
const SPARSE = 10; // times a line's usual spacing, from which on a gap is one
const SHORTEST_GAP = 5; // seconds
const EDGE = 0.001; // seconds before a reading at which what held until then ends
const SAME = 1e-6; // of two means: what the bridge and the page make of the same rows

/** `{aggregates, interval}` of a long range, `{maxPoints}` of a short one. */
export function requestFor(span) {
  if (span < LONG) return { maxPoints: MOST_POINTS };
  const seconds = STEPS.find((step) => span / (step * 1000) <= INTERVALS) ?? STEPS.at(-1);
  return { aggregates: ["time-average", "min", "max"], interval: seconds };
}

/** Rows of the API as `{times, values, marks}`: seconds, numbers or null, and the first letter of each quality. */
export function lineOf(rows) {
  const line = { times: [], values: [], marks: [] };
  for (const row of rows) append(line, row);
  return line;
}

/**
 * One more row; one at the last one's time takes its place, an older one is left out. Whether it counts. Where the last
 * one is said again, but in doubt, it was none when it came: see `doubts`.
 */
export function append(line, { value, quality, timestamp }) {
  const at = instant(timestamp) / 1000;
  const last = line.times.length - 1;
  if (Number.isNaN(at) || (last >= 0 && at < line.times[last])) return false;
  const index = last >= 0 && at === line.times[last] ? last : last + 1;
  const [shown, mark] = [numeric(value), quality[0]];
  if (index === last && line.values[last] === shown && (mark === "U" || mark === line.marks[last])) return false;
  line.times[index] = at;
  line.values[index] = shown;
  line.marks[index] = mark;
  return true;
}

/** What can be drawn: numbers, and booleans as 0 and 1; else a gap. */
export function numeric(value) {
  if (typeof value === "number") return value;
  if (typeof value === "boolean" || typeof value === "bigint") return Number(value);
  return null;
}

/** Let go of what lies before a time in seconds, but for one point, from which the line comes in. */
export function trim(line, from) {
  let drop = 0;
  while (drop + 1 < line.times.length && line.times[drop + 1] < from) drop += 1;
  if (drop > 0) for (const part of Object.values(line)) part.splice(0, drop);
}

/** Where a line is in doubt: `[[from, to], …]` in seconds, each until the next reading, and from `since` on. */
export function doubts(line, end, since = null) {
  const spans = [];
  const { times, marks } = line;
  for (let index = 0; index < times.length; index += 1) {
    if (marks[index] !== "U") continue;
    const to = index + 1 < times.length ? times[index + 1] : end;
    const last = spans.at(-1);
    if (last && last[1] >= times[index]) last[1] = to;
    else spans.push([times[index], to]);
  }
  const isKnown = marks.at(-1) === "U";
  if (since !== null && !isKnown && since < end) spans.push([since, end]);
  return spans;
}

/**
 * Since which second the latest value is in doubt, null where it is not. `before` is what this said last, undefined at
 * first: who comes when it is in doubt cannot know since when, and takes it to be so since it was read.
 */
export function doubtedSince(before, { quality, timestamp }, now) {
  if (quality !== "Uncertain") return null;
  return before === undefined ? instant(timestamp) / 1000 : before ?? now;
}

/**
 * The line as it is drawn, `{times, values, added}`: what was read holds until the next reading, and the last one until
 * `to`. Where readings are much further apart than usual it is level and then steps; what was read before `from` comes
 * in at `from`. `added` are the times at which nothing was read.
 */
export function drawn(line, from, to) {
  const made = { times: [], values: [], added: new Set() };
  if (to < from) return made;
  const longest = longestOf(line, from);
  const begin = line.times.findLastIndex((at) => at <= from);
  for (let index = Math.max(0, begin); index < line.times.length; index += 1) {
    const [at, value, following] = [line.times[index], line.values[index], line.times[index + 1]];
    if (at > to) break;
    const next = following <= to ? following : Infinity;
    const holds = value !== null && (next - at > longest || line.values[index + 1] === null);
    if (at >= from || !holds) put(made, at, value);
    else add(made, from, value);
    if (holds) add(made, Math.min(next - EDGE, to), value);
  }
  return made;
}

function put({ times, values }, at, value) {
  times.push(at);
  values.push(value);
}

function add(made, at, value) {
  if (at <= (made.times.at(-1) ?? -Infinity)) return;
  put(made, at, value);
  made.added.add(at);
}

/** How far apart two readings may be for a straight line to join them, in seconds. */
function longestOf({ times }, from) {
  const gaps = times.slice(1).map((at, index) => (times[index] < from ? 0 : at - times[index]));
  const sorted = gaps.filter((gap) => gap > 0).sort((one, other) => one - other);
  return Math.max(SPARSE * (sorted[Math.floor((sorted.length - 1) / 2)] ?? 0), SHORTEST_GAP);
}

/**
 * `{min, max, mean, last}` of what held within a range of seconds, the mean weighted by time; null where there is
 * nothing. `last` is what holds at the end, null where that is nothing.
 */
export function summary(line, from, to) {
  let [min, max, seconds, sum, single] = [Infinity, -Infinity, 0, 0, null];
  line.times.forEach((at, index) => {
    const value = line.values[index];
    const [begin, end] = [Math.max(at, from), Math.min(line.times[index + 1] ?? to, to)];
    if (value === null || end < begin || (end === begin && at < from)) return;
    min = Math.min(min, value);
    max = Math.max(max, value);
    seconds += end - begin;
    sum += value * (end - begin);
    single = value;
  });
  if (single === null) return null;
  const last = line.values[line.times.findLastIndex((at) => at <= to)] ?? null;
  return { min, max, mean: seconds > 0 ? sum / seconds : single, last, seconds };
}

/**
 * The mean of a line within a range of seconds. `reckoned`, `{mean, from, to}`, is the bridge's of all readings there
 * were: it goes for what it tells of where the rows of the line were thinned, and the line for what came later.
 */
export function meanOf(line, from, to, reckoned = null) {
  if (!reckoned) return summary(line, from, to)?.mean ?? null;
  const later = to > reckoned.to ? summary(line, Math.max(from, reckoned.to), to) : null;
  const seconds = Math.max(0, Math.min(to, reckoned.to) - from);
  const whole = seconds + (later?.seconds ?? 0);
  return whole > 0 ? (reckoned.mean * seconds + (later ? later.mean * later.seconds : 0)) / whole : reckoned.mean;
}

/** Whether the bridge's mean is not that of a line's rows, as they have been thinned. */
export function isThinned(line, { mean, from, to }) {
  const own = summary(line, from, to);
  return own === null || Math.abs(own.mean - mean) > SAME * Math.max(Math.abs(mean), own.max - own.min);
}

/** Least or greatest of each interval with what held when it began; `pick` is `Math.min` or `Math.max`. */
export function widened(mean, extreme, pick) {
  const found = new Map(extreme.times.map((at, index) => [at, extreme.values[index]]));
  const values = mean.times.map((at, index) => {
    const value = mean.values[index];
    return value === null ? null : pick(value, found.get(at) ?? value);
  });
  return { ...mean, values };
}

/** Up to when it is known what holds: now, or while nothing comes, when something was heard or asked last. */
export function knownUntil(now, isLive, heard, asked) {
  return isLive ? now : Math.min(now, Math.max(heard, asked));
}

/**
 * What each of some paths (names, root first) is called: its last name, with as many above as tell it from others;
 * `least` is how many it has at least.
 */
export function distinct(paths, least = paths.map(() => 1)) {
  const suffix = (path, count) => path.slice(-count).join(" / ");
  return paths.map((path, index) => {
    let count = least[index];
    const isTwice = () => paths.some((other, at) => at !== index && suffix(other, count) === suffix(path, count));
    while (count < path.length && isTwice()) count += 1;
    return suffix(path, count);
  });
}

/** Rows of several elements as CSV (RFC 4180), in the order of time within each. */
export function csv(histories) {
  const lines = ["time,element,value,quality"];
  for (const [id, rows] of histories) {
    for (const { timestamp, value, quality } of rows) {
      lines.push([timestamp, cell(id), cell(value), quality].join(","));
    }
  }
  return `${lines.join("\r\n")}\r\n`;
}

function cell(value) {
  if (value === null || value === undefined) return "";
  const isText = typeof value === "string";
  const text = isText ? value : typeof value === "object" ? stringify(value) : String(value);
  const safe = isText && /^[=+\-@\t\r]/.test(text) ? `'${text}` : text; // spreadsheets would take it for a formula
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
