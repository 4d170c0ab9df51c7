// What is asked of the history so that nothing is missing at the edges.

import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { texts } from "../../../bridge/web/lib/history.js";

const FROM = Date.parse("2026-01-05T08:00:00.000Z");
const realFetch = globalThis.fetch;

afterEach(() => {
  globalThis.fetch = realFetch;
});

/** A bridge that knows some rows, with times to the microsecond. */
function knowing(rows) {
  globalThis.fetch = async (_, { body }) => {
    const { startTime, endTime, elementIds } = JSON.parse(body);
    const [begin, end] = [startTime, endTime].map((time) => time.replace("Z", "000Z"));
    const values = rows.filter(({ timestamp }) => begin <= timestamp && timestamp <= end);
    return Response.json({ results: [{ success: true, elementId: elementIds[0], result: { values } }] });
  };
}

const BEFORE = [
  ["2026-01-05T07:59:59.999500Z", "right before the range"],
  ["2026-01-05T08:00:00.000000Z", "at its beginning"],
  ["2026-01-05T06:59:59.999500Z", "right before the last hour"],
];

for (const [timestamp, when] of BEFORE) {
  test(`what was said ${when} holds in it, and what was said before does not`, async () => {
    knowing([
      { value: "Idle", quality: "Good", timestamp: "2026-01-05T06:00:00.000000Z" },
      { value: "Running", quality: "Good", timestamp },
    ]);
    const { line } = (await texts(["state"], FROM, FROM + 60_000)).get("state");
    assert.deepEqual(line.texts, ["Running"]);
  });
}
