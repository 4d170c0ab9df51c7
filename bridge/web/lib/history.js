// Rows of history, as a trend and an export need them.

import { bulk } from "./api.js";
import { requestFor } from "./trends.js";

const MOST_ROWS = 500_000; // of one export: about 30 MB

/**
 * `{id: {rows, least, greatest} | {error}}` and `partial` of a range in milliseconds; `least` and `greatest` are there
 * where the bridge has aggregated. Raises `ApiError`.
 */
export async function trend(ids, from, to, signal) {
  const { aggregates, interval, ...more } = requestFor(to - from);
  const range = { elementIds: ids, startTime: iso(from), endTime: iso(to) };
  const asked = aggregates
    ? aggregates.map((aggregate) => bulk("v1/objects/history", { ...range, aggregate, interval }, { signal }))
    : [bulk("v1/objects/history", { ...range, ...more }, { signal })];
  const [rows, least, greatest] = await Promise.all(asked);
  const found = new Map(
    rows.map(({ id, result, error }, index) => [
      id,
      error ? { error } : { rows: result.values, least: least?.[index].result?.values, greatest: greatest?.[index].result?.values },
    ]),
  );
  return { found, partial: rows.partial, interval: interval ?? null };
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
    let start = iso(from);
    while (start) {
      const body = { elementIds: [id], startTime: start, endTime: iso(to) };
      const items = await bulk("v1/objects/history", body, { signal });
      if (items[0].error) throw items[0].error;
      const { values } = items[0].result;
      for (const row of values) rows.push(row);
      count += values.length;
      told(count);
      if (count >= MOST_ROWS) return { histories, isCut: true };
      start = /resume with startTime (\S+)/.exec(items.partial ?? "")?.[1] ?? null;
    }
  }
  return { histories, isCut: false };
}

function iso(ms) {
  return new Date(ms).toISOString();
}
