// What a trend asks for, and how rows become lines.

import assert from "node:assert/strict";
import { test } from "node:test";
import * as trends from "../../../bridge/web/lib/trends.js";

const { append, csv, distinct, doubtedSince, doubts, drawn, isThinned, knownUntil, lineOf, meanOf } = trends;
const { RANGES, requestFor, summary, trim, widened } = trends;

const row = (second, value, quality = "Good") => ({ timestamp: new Date(second * 1000).toISOString(), value, quality });

test("short ranges are thinned, long ones aggregated", () => {
  assert.deepEqual(requestFor(RANGES.get("15m")), { maxPoints: 1500 });
  assert.deepEqual(requestFor(RANGES.get("24h")), { aggregates: ["time-average", "min", "max"], interval: 300 });
  assert.deepEqual(requestFor(RANGES.get("30d")), { aggregates: ["time-average", "min", "max"], interval: 7200 });
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

test("doubt that is heard of later begins there, unless the reading says so itself", () => {
  assert.deepEqual(doubts(lineOf([row(1, 1)]), 9, 5), [[5, 9]]);
  assert.deepEqual(doubts(lineOf([row(1, 1, "Uncertain")]), 9, 5), [[1, 9]]);
  assert.deepEqual(doubts(lineOf([row(1, 1)]), 9, 10), []);
  const line = lineOf([row(1, 1)]);
  assert.ok(!append(line, row(1, 1, "Uncertain")));
  assert.deepEqual(line.marks, ["G"]);
});

test("doubt lasts from when it was heard of, or where it was there before the page from the reading on", () => {
  assert.equal(doubtedSince(undefined, row(1, 1), 9), null);
  assert.equal(doubtedSince(undefined, row(1, 1, "Uncertain"), 9), 1);
  assert.equal(doubtedSince(null, row(1, 1, "Uncertain"), 9), 9);
  assert.equal(doubtedSince(9, row(1, 1, "Uncertain"), 12), 9);
  assert.equal(doubtedSince(9, row(1, 1), 12), null);
});

const shape = ({ times, values }) => times.map((at, index) => [at, values[index]]);

test("the last reading holds until now, a gap does not", () => {
  assert.deepEqual(shape(drawn(lineOf([row(1, 7)]), 0, 5)), [[1, 7], [5, 7]]);
  assert.deepEqual(shape(drawn(lineOf([row(1, null, "Bad")]), 0, 5)), [[1, null]]);
  assert.deepEqual(shape(drawn(lineOf([]), 0, 5)), []);
  assert.deepEqual(shape(drawn(lineOf([row(1, 7), row(2, null, "Bad")]), 0, 5)), [[1, 7], [1.999, 7], [2, null]]);
});

test("what was read before the range comes in, unless it had ended", () => {
  const line = drawn(lineOf([row(1, 62)]), 100, 112);
  assert.deepEqual(shape(line), [[100, 62], [112, 62]]);
  assert.deepEqual([...line.added], [100, 112]);
  assert.deepEqual(shape(drawn(lineOf([row(1, 62), row(2, null, "Bad")]), 100, 112)), [[2, null]]);
  assert.deepEqual(shape(drawn(lineOf([row(1, 62), row(105, 64)]), 100, 112)), [[100, 62], [104.999, 62], [105, 64], [112, 64]]);
});

test("a line ends where nothing is known any more", () => {
  assert.deepEqual(shape(drawn(lineOf([row(1, 1), row(2, 2), row(3, 3)]), 0, 2.5)), [[1, 1], [2, 2], [2.5, 2]]);
  assert.deepEqual(shape(drawn(lineOf([row(1, 1)]), 10, 5)), []);
});

test("readings further apart than usual are joined by a step, others by a straight line", () => {
  const seconds = [1, 2, 3, 4, 20, 21];
  const line = drawn(lineOf(seconds.map((second) => row(second, second))), 0, 21);
  assert.deepEqual(line.times, [1, 2, 3, 4, 19.999, 20, 21]);
  assert.deepEqual(line.values, [1, 2, 3, 4, 4, 20, 21]);
  const slow = [0, 60, 120, 240].map((second) => row(second, second));
  assert.deepEqual(drawn(lineOf(slow), 0, 240).times, [0, 60, 120, 240]);
});

test("it is known what holds until now, or while nothing comes until something was heard or asked last", () => {
  assert.equal(knownUntil(100, true, 10, 20), 100);
  assert.equal(knownUntil(100, false, 30, 20), 30);
  assert.equal(knownUntil(100, false, -Infinity, 20), 20);
});

test("figures are those of the range, the mean is weighted by time", () => {
  const line = lineOf([row(1, 100), row(2, 1), row(3, null, "Bad"), row(4, 3)]);
  assert.deepEqual(summary(line, 2, 9), { min: 1, max: 3, mean: 16 / 6, last: 3, seconds: 6 });
  assert.deepEqual(summary(line, 5, 9), { min: 3, max: 3, mean: 3, last: 3, seconds: 4 });
  assert.deepEqual(summary(line, 1.5, 3.5), { min: 1, max: 100, mean: 34, last: null, seconds: 1.5 });
  assert.equal(summary(line, 3.2, 3.8), null);
  assert.equal(summary(line, 4, 4).mean, 3);
});

test("where rows were thinned the mean is the bridge's, and of what came later the line's", () => {
  const thinned = lineOf([row(0, 0), row(1, 100), row(99, 0), row(100, 100), row(100.1, 0)]);
  const reckoned = { mean: 10, from: 0, to: 100 };
  assert.ok(isThinned(thinned, reckoned));
  assert.equal(meanOf(thinned, 0, 100, reckoned), 10);
  assert.equal(meanOf(lineOf([row(0, 0), row(100, 60)]), 50, 150, reckoned), 35);
  assert.ok(!isThinned(lineOf([row(0, 0), row(90, 100)]), reckoned));
  assert.equal(meanOf(lineOf([row(0, 0), row(90, 100)]), 0, 100), 10);
});

test("a range of means reaches to what held when an interval began", () => {
  const [mean, least] = [lineOf([row(0, 5), row(10, 5), row(20, null)]), lineOf([row(0, 4), row(10, null)])];
  assert.deepEqual(widened(mean, least, Math.min).values, [4, 5, null]);
  assert.deepEqual(widened(mean, lineOf([row(0, 1)]), Math.max).values, [5, 5, null]);
});

test("elements of one name are told apart by what is above them", () => {
  assert.deepEqual(distinct([["p", "a", "state"], ["p", "level"]]), ["state", "level"]);
  assert.deepEqual(distinct([["p", "a", "state", "name"], ["p", "b", "state", "name"]]), ["a / state / name", "b / state / name"]);
  assert.deepEqual(distinct([["x"], ["p", "x"]]), ["x", "p / x"]);
  assert.deepEqual(distinct([["x"], ["x"]]), ["x", "x"]);
  assert.deepEqual(distinct([["p", "a", "x"], ["p", "b", "y"]], [2, 1]), ["a / x", "y"]);
  assert.deepEqual(distinct([["p", "a", "x"], ["p", "b", "x"]], [2, 1]), ["a / x", "b / x"]);
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
