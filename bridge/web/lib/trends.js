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

/** `{aggregates, interval}` of a long range, `{maxPoints}` of a short one. */
export function requestFor(span) {
  if (span < LONG) return { maxPoints: MOST_POINTS };
  const seconds = STEPS.find((step) => span / (step * 1000) <= INTERVALS) ?? STEPS.at(-1);
  return { aggregates: ["avg", "min", "max"], interval: seconds };
}

/** Rows of the API as `{times, values, marks}`: seconds, numbers or null, and the first letter of each quality. */
export function lineOf(rows) {
  const line = { times: [], values: [], marks: [] };
  for (const row of rows) append(line, row);
  return line;
}

/** One more row; one at the last one's time takes its place, an older one is left out. Whether it counts. */
export function append(line, { value, quality, timestamp }) {
  const at = instant(timestamp) / 1000;
  const last = line.times.length - 1;
  if (Number.isNaN(at) || (last >= 0 && at < line.times[last])) return false;
  const index = last >= 0 && at === line.times[last] ? last : last + 1;
  line.times[index] = at;
  line.values[index] = numeric(value);
  line.marks[index] = quality[0];
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

/** Where a line is in doubt: `[[from, to], …]` in seconds, each until the next reading. */
export function doubts(line, end) {
  const spans = [];
  const { times, marks } = line;
  for (let index = 0; index < times.length; index += 1) {
    if (marks[index] !== "U") continue;
    const to = index + 1 < times.length ? times[index + 1] : end;
    const last = spans.at(-1);
    if (last && last[1] >= times[index]) last[1] = to;
    else spans.push([times[index], to]);
  }
  return spans;
}

/** The line as it is drawn until now: what was read last holds. Copies, `line` stays. */
export function held(line, now) {
  const last = line.times.length - 1;
  if (last < 0 || line.times[last] >= now || line.values[last] === null) return [line.times, line.values];
  return [
    [...line.times, now],
    [...line.values, line.values[last]],
  ];
}

/** `{min, max, mean, last}` of what lies within a range of seconds; null where there is nothing. */
export function summary(line, from, to) {
  let [min, max, sum, count, last] = [Infinity, -Infinity, 0, 0, null];
  line.times.forEach((at, index) => {
    const value = line.values[index];
    if (value === null || value === undefined || at < from || at > to) return;
    min = Math.min(min, value);
    max = Math.max(max, value);
    sum += value;
    count += 1;
    last = value;
  });
  return count ? { min, max, mean: sum / count, last, count } : null;
}

/** What each of some paths (names, root first) is called: its last name, with as many above as tell it from others. */
export function distinct(paths) {
  const suffix = (path, count) => path.slice(-count).join(" / ");
  return paths.map((path) => {
    let count = 1;
    const isTwice = () => paths.filter((other) => suffix(other, count) === suffix(path, count)).length > 1;
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
