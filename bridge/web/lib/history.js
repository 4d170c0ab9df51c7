// Rows of history, as a trend and an export need them.

import { bulk } from "./api.js";
import { instant } from "./format.js";
import { add, kindOf, kindOfValues, statesOf } from "./states.js";
import { isThinned, lineOf, numeric, requestFor } from "./trends.js";

const HISTORY = "v1/objects/history";
const MOST_ROWS = 500_000; // of one export: about 30 MB
const MOST_CHANGES = 20_000; // of one text: more cannot be told apart on any screen
const MOST_ANSWERS = 12; // for one text: the bridge reads so long for each, and then gives what it has
const THINNED = 10_000; // rows where there are more
const SAMPLE = 50; // rows that tell what kind of values there are
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const BACK = [MINUTE, HOUR, 24 * HOUR, 31 * 24 * HOUR, 366 * 24 * HOUR]; // where what held before is looked for, step by step

/**
 * `{found, partial, interval}` of a range in milliseconds; `found` is a map id → `{rows, reckoned, held, …}` or
 * `{error}`. `held` is the row of before the range, or null; it is the first of `rows`, too. Where the bridge has
 * aggregated, `least`, `greatest` and `last`, the row that was read last, are there, and that ends `rows`. `reckoned` is
 * the mean of all readings, `{mean, from, to}`, where that of the rows is another. Raises `ApiError`.
 */
export async function trend(ids, from, to, signal) {
  if (!ids.length) return { found: new Map(), partial: null, interval: null };
  const { aggregates, interval, ...more } = requestFor(to - from);
  const range = { elementIds: ids, startTime: iso(from), endTime: iso(to) };
  const ask = (how) => bulk(HISTORY, { ...range, ...how }, { signal });
  const whole = { aggregate: "time-average", interval: (to - from) / 1000 + 1 };
  const [before, last, means, rows, least, greatest] = await Promise.all([
    heldBefore(ids, from, signal),
    aggregates ? heldBefore(ids, to + 1, signal) : new Map(),
    ask(whole),
    ...(aggregates ? aggregates.map((aggregate) => ask({ aggregate, interval })) : [ask(more)]),
  ]);
  const found = rows.map(({ id, result, error }, index) => {
    if (error) return [id, { error }];
    const all = aggregates ? withLast(result.values, last.get(id), interval) : result.values;
    const held = before.has(id) && (!aggregates || !result.values.length) ? [before.get(id), ...all] : all;
    const reckoned = reckonedOf(means[index], from, to, lineOf(held));
    const extremes = { least: least?.[index].result?.values, greatest: greatest?.[index].result?.values };
    return [id, { rows: held, reckoned, held: before.get(id) ?? null, last: last.get(id) ?? null, ...extremes }];
  });
  return { found: new Map(found), partial: rows.partial, interval: interval ?? null };
}

/** Means of intervals, and then what was read last: it holds from the end of the last one on. */
function withLast(rows, last, interval) {
  const end = rows.length ? instant(rows.at(-1).timestamp) + interval * 1000 : NaN;
  return last && !Number.isNaN(end) ? [...rows, { ...last, timestamp: iso(end) }] : rows;
}

/** The bridge's mean of a range, where the rows of a line do not have the same. */
function reckonedOf({ result }, from, to, line) {
  const mean = numeric(result?.values[0]?.value);
  const reckoned = { mean, from: from / 1000, to: to / 1000 };
  return mean !== null && isThinned(line, reckoned) ? reckoned : null;
}

/**
 * How each element is drawn, as a map id → "line", "states" or "none": by its schema, and where that does not tell, by
 * its values; null where there are none either. Raises `ApiError`.
 */
export async function kinds(schemas, from, to, signal) {
  const found = new Map([...schemas].map(([id, schema]) => [id, kindOf(schema)]));
  const unsure = [...found].filter(([, kind]) => kind === null).map(([id]) => id);
  if (!unsure.length) return found;
  const body = { elementIds: unsure };
  const [past, present] = await Promise.all([
    bulk(HISTORY, { ...body, startTime: iso(from), endTime: iso(to), maxPoints: SAMPLE }, { signal }),
    bulk("v1/objects/value", body, { signal }),
  ]);
  past.forEach(({ id, result }, index) => {
    const rows = [...(result?.values ?? []), present[index].result ?? {}];
    found.set(id, kindOfValues(rows.map(({ value }) => value)));
  });
  return found;
}

/**
 * Texts of a range in milliseconds, with what held when it began: a map id → `{line, isThinned}` or `{error}`. Where
 * there are too many changes the bridge thins them, and short states may be missing. Raises `ApiError`.
 */
export async function texts(ids, from, to, signal) {
  const [before, ...found] = await Promise.all([
    heldBefore(ids, from, signal),
    ...ids.map((id) => changes(id, from, to, signal)),
  ]);
  return new Map(
    ids.map((id, index) => {
      const { line, isThinned, error } = found[index];
      const whole = statesOf(before.has(id) ? [before.get(id)] : []);
      return [id, error ? { error } : { line: joined(whole, line), isThinned }];
    }),
  );
}

function joined(whole, line) {
  const isSame = whole.texts[0] === line.texts[0] && whole.marks[0] === line.marks[0];
  const from = whole.times.length && line.times.length && isSame ? 1 : 0;
  for (const name of ["times", "texts", "marks"]) for (const one of line[name].slice(from)) whole[name].push(one);
  whole.heard = Math.max(whole.heard, line.heard);
  return whole;
}

async function changes(id, from, to, signal) {
  const line = statesOf([]);
  let answers = 0;
  try {
    for await (const { values, isLast } of pages(id, from, to, signal, { onlyChanges: true })) {
      for (const row of values) add(line, row);
      answers += 1;
      if (line.times.length > MOST_CHANGES || (!isLast && answers >= MOST_ANSWERS)) {
        return { line: await thinned(id, from, to, signal), isThinned: true };
      }
    }
    return { line, isThinned: false };
  } catch (error) {
    if (signal?.aborted || !error.status) throw error;
    return { error };
  }
}

async function thinned(id, from, to, signal) {
  const body = { elementIds: [id], startTime: iso(from), endTime: iso(to), maxPoints: THINNED };
  const [{ result, error }] = await bulk(HISTORY, body, { signal });
  if (error) throw error;
  return statesOf(result.values);
}

/**
 * The last row of each element until a time, as a map; what is not found within reason has none. Ranges include both
 * ends, and meet: times are finer than the milliseconds that we ask in.
 */
async function heldBefore(ids, from, signal) {
  const found = new Map();
  let [missing, until] = [ids, from];
  for (const back of BACK) {
    if (!missing.length) break;
    const range = { startTime: iso(Math.max(0, from - back)), endTime: iso(Math.max(0, until)) };
    const items = await bulk(HISTORY, { elementIds: missing, ...range, maxPoints: 2 }, { signal });
    if (items.partial) break; // the last one of what was read is not the last one
    for (const { id, result } of items) if (result?.values.length) found.set(id, result.values.at(-1));
    missing = missing.filter((id) => !found.has(id));
    until = from - back;
  }
  return found;
}

/** All rows of an element in a range, answer by answer: `{values, isLast}`; `more` is asked, too. Raises `ApiError`. */
async function* pages(id, from, to, signal, more = {}) {
  let start = iso(from);
  while (start) {
    const items = await bulk(HISTORY, { elementIds: [id], startTime: start, endTime: iso(to), ...more }, { signal });
    if (items[0].error) throw items[0].error;
    start = /resume with startTime (\S+)/.exec(items.partial ?? "")?.[1] ?? null;
    yield { values: items[0].result.values, isLast: start === null };
  }
}

/**
 * All rows of a range, page by page, as a map id → rows; `isCut` where there were more than an export takes. What cannot
 * be read raises `ApiError`.
 */
export async function everything(ids, from, to, signal, told = () => {}) {
  const histories = new Map();
  let count = 0;
  for (const id of ids) {
    const rows = [];
    histories.set(id, rows);
    for await (const { values } of pages(id, from, to, signal)) {
      for (const row of values) rows.push(row);
      count += values.length;
      told(count);
      if (count >= MOST_ROWS) return { histories, isCut: true };
    }
  }
  return { histories, isCut: false };
}

function iso(ms) {
  return new Date(ms).toISOString();
}
