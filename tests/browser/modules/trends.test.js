// What a trend asks for, and how rows become lines.

import assert from "node:assert/strict";
import { test } from "node:test";
import { append, csv, distinct, doubts, held, lineOf, RANGES, requestFor, summary, trim } from "../../../bridge/web/lib/trends.js";

const row = (second, value, quality = "Good") => ({ timestamp: new Date(second * 1000).toISOString(), value, quality });

test("short ranges are thinned, long ones aggregated", () => {
  assert.deepEqual(requestFor(RANGES.get("15m")), { maxPoints: 1500 });
  assert.deepEqual(requestFor(RANGES.get("24h")), { aggregates: ["avg", "min", "max"], interval: 300 });
  assert.deepEqual(requestFor(RANGES.get("30d")), { aggregates: ["avg", "min", "max"], interval: 7200 });
});

for (const [name, span] of RANGES) {
  test(`${name} is at most a few hundred intervals, or thinned`, () => {
    const { interval, maxPoints } = requestFor(span);
    assert.ok(maxPoints || span / (interval * 1000) <= 400);
  });
}

test("what cannot be drawn is a gap", () => {
  const line = lineOf([row(1, 2.5), row(2, null, "Bad"), row(3, true), row(4, "text"), row(5, 7n)]);
  assert.deepEqual(line, { times: [1, 2, 3, 4, 5], values: [2.5, null, 1, null, 7], marks: ["G", "B", "G", "G", "G"] });
});

test("a later reading is added, the same time replaced, an older one left out", () => {
  const line = lineOf([row(1, 1), row(2, 2)]);
  assert.ok(append(line, row(2, 5)));
  assert.ok(append(line, row(3, 6, "Uncertain")));
  assert.ok(!append(line, row(1.5, 9)));
  assert.ok(!append(line, { value: 1, quality: "Good", timestamp: "?" }));
  assert.deepEqual(line, { times: [1, 2, 3], values: [1, 5, 6], marks: ["G", "G", "U"] });
});

test("what has left the range is let go, but for the point from which the line comes in", () => {
  const line = lineOf([row(1, 1), row(2, 2), row(3, 3), row(4, 4)]);
  trim(line, 3.5);
  assert.deepEqual(line.times, [3, 4]);
  trim(line, 100);
  assert.deepEqual([line.times, line.values, line.marks], [[4], [4], ["G"]]);
});

test("doubt lasts until the next reading, or the end", () => {
  const line = lineOf([row(1, 1), row(2, 2, "Uncertain"), row(3, 3, "Uncertain"), row(4, 4), row(5, 5, "Uncertain")]);
  assert.deepEqual(doubts(line, 9), [[2, 4], [5, 9]]);
});

test("the last reading holds until now, a gap does not", () => {
  assert.deepEqual(held(lineOf([row(1, 7)]), 5), [[1, 5], [7, 7]]);
  assert.deepEqual(held(lineOf([row(1, null, "Bad")]), 5), [[1], [null]]);
  assert.deepEqual(held(lineOf([]), 5), [[], []]);
});

test("figures are those of the range", () => {
  const line = lineOf([row(1, 100), row(2, 1), row(3, null, "Bad"), row(4, 3)]);
  assert.deepEqual(summary(line, 2, 9), { min: 1, max: 3, mean: 2, last: 3, count: 2 });
  assert.equal(summary(line, 5, 9), null);
});

test("elements of one name are told apart by what is above them", () => {
  assert.deepEqual(distinct([["p", "a", "state"], ["p", "level"]]), ["state", "level"]);
  assert.deepEqual(distinct([["p", "a", "state", "name"], ["p", "b", "state", "name"]]), ["a / state / name", "b / state / name"]);
  assert.deepEqual(distinct([["x"], ["p", "x"]]), ["x", "p / x"]);
  assert.deepEqual(distinct([["x"], ["x"]]), ["x", "x"]);
});

test("CSV has numbers that a double cannot hold, in documents as well", () => {
  const rows = [row(0, 18446744073709551615n), row(1, { total: 18446744073709551615n })];
  const [, one, other] = csv(new Map([["plant/a", rows]])).split("\r\n");
  assert.match(one, /,18446744073709551615,Good$/);
  assert.match(other, /total"":.*18446744073709551615/);
});

test("CSV quotes what needs it, and starts no formula", () => {
  const rows = [row(0, 1.5), row(1, 'a "b", c'), row(2, "=1+1"), row(3, null, "Bad"), row(4, { x: 1 }), row(5, -3)];
  assert.equal(
    csv(new Map([["plant/a", rows]])),
    [
      "time,element,value,quality",
      "1970-01-01T00:00:00.000Z,plant/a,1.5,Good",
      '1970-01-01T00:00:01.000Z,plant/a,"a ""b"", c",Good',
      "1970-01-01T00:00:02.000Z,plant/a,'=1+1,Good",
      "1970-01-01T00:00:03.000Z,plant/a,,Bad",
      '1970-01-01T00:00:04.000Z,plant/a,"{""x"":1}",Good',
      "1970-01-01T00:00:05.000Z,plant/a,-3,Good",
      "",
    ].join("\r\n"),
  );
});
