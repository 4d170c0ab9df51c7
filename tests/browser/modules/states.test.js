// Texts over time: stretches, shares, bands, colours.

import assert from "node:assert/strict";
import { test } from "node:test";
import { add, around, bands, kindOf, kindOfValues, lastOf, paint, percent, shares, SHADES, stacked, statesOf, stretches, trim } from "../../../bridge/web/lib/states.js";
import { lasting } from "../../../bridge/web/lib/format.js";

const row = (second, value, quality = "Good") => ({ timestamp: new Date(second * 1000).toISOString(), value, quality });
const spans = (found) => found.map(({ text, from, to }) => [text, from, to]);

test("readings that say the same are one", () => {
  const line = statesOf([row(1, "a"), row(2, "a"), row(3, "b"), row(4, "b", "Uncertain"), row(5, null, "Bad"), row(6, 7)]);
  assert.deepEqual([line.times, line.texts, line.marks.join("")], [[1, 3, 4, 5, 6], ["a", "b", "b", null, "7"], "GGUBG"]);
});

test("one time holds one reading, an older one is left out", () => {
  const line = statesOf([row(1, "a"), row(5, "a")]);
  assert.ok(!add(line, row(4, "b")));
  assert.ok(!add(line, { value: "b", quality: "Good", timestamp: "?" }));
  assert.ok(add(line, row(5, "b")));
  assert.ok(add(line, row(5, "a")));
  assert.deepEqual([line.times, line.texts], [[1], ["a"]]);
});

test("doubt about the latest reading begins when it is heard, and ends with the next reading", () => {
  const line = statesOf([row(1, "a")]);
  assert.ok(add(line, row(1, "a", "Uncertain"), 10));
  assert.ok(!add(line, row(1, "a", "Uncertain"), 12));
  assert.deepEqual([line.times, line.marks], [[1, 10], ["G", "U"]]);
  assert.ok(add(line, row(8, "b"), 13));
  assert.deepEqual([line.times, line.texts], [[1, 8], ["a", "b"]]);
});

test("what has left the range is let go, but for what still holds", () => {
  const line = statesOf([row(1, "a"), row(2, "b"), row(3, "c")]);
  trim(line, 2.5);
  assert.deepEqual(line.texts, ["b", "c"]);
  trim(line, 100);
  assert.deepEqual([line.times, line.texts, line.marks], [[3], ["c"], ["G"]]);
});

test("a text holds until the next one, within the range; without a value there is a gap", () => {
  const line = statesOf([row(1, "a"), row(4, "b"), row(6, null, "Bad"), row(8, "c", "Uncertain")]);
  assert.deepEqual(spans(stretches(line, 2, 9)), [["a", 2, 4], ["b", 4, 6], ["c", 8, 9]]);
  const [first, , last] = stretches(line, 2, 9);
  assert.deepEqual([first.since, first.until, first.isDoubted], [1, 4, false]);
  assert.deepEqual([last.since, last.until, last.isDoubted], [8, null, true]);
  assert.deepEqual(["a", null, "c"], [3, 7, 9].map((at) => lastOf(line, at)));
  assert.equal(lastOf(line, 0), null);
  assert.deepEqual(spans(around(stretches(line, 2, 9), 4.5, 1)), [["a", 2, 4], ["b", 4, 6]]);
});

test("shares are of the range from where something is known, the longest first, and what has no value is told", () => {
  const line = statesOf([row(0, "a"), row(2, "b"), row(3, "a"), row(5, "a", "Uncertain"), row(8, null, "Bad")]);
  const { shares: found, none, begin } = shares(line, 0, 10);
  assert.deepEqual(found, [
    { text: "a", seconds: 7, count: 2, share: 0.7 },
    { text: "b", seconds: 1, count: 1, share: 0.1 },
  ]);
  assert.ok(Math.abs(none - 0.2) < 1e-9);
  assert.equal(begin, 0);
  assert.deepEqual(shares(statesOf([]), 0, 10), { shares: [], none: 0, begin: 10 });
  assert.deepEqual(shares(statesOf([row(6, "a")]), 0, 10), { shares: [{ text: "a", seconds: 4, count: 1, share: 1 }], none: 0, begin: 6 });
});

for (const [share, text] of [[0, "0 %"], [0.0001, "< 0.1 %"], [0.0123, "1.2 %"], [0.72, "72 %"], [0.996, "99.6 %"], [0.99999, "> 99.9 %"], [1, "100 %"]]) {
  test(`${share} is ${text}`, () => assert.equal(percent(share), text));
}

for (const [ms, text] of [[250, "250 ms"], [2_000, "2 s"], [170_000, "2 min 50 s"], [3 * 3_600_000, "3 h"], [100 * 3_600_000, "4 d 4 h"]]) {
  test(`${ms} ms last ${text}`, () => assert.equal(lasting(ms), text));
}

test("a short text between long ones is as wide as can be seen", () => {
  const line = statesOf([row(0, "Running"), row(500, "Fault"), row(500.01, "Running")]);
  const found = bands(stretches(line, 0, 1000), 0, 1000, 1000);
  assert.deepEqual(found.map(({ text, left, width, parts }) => [text, Math.round(left), Math.round(width), parts]), [
    ["Running", 0, 500, null],
    ["Fault", 500, 3, null],
    ["Running", 500, 500, null],
  ]);
});

test("short texts side by side are columns of what held in them, so that bands are few and none is lost", () => {
  const rows = Array.from({ length: 10_000 }, (_, index) => row(index, index === 5_000 ? "Fault" : index % 2 ? "a" : "b"));
  const found = bands(stretches(statesOf(rows), 0, 10_000), 0, 10_000, 800);
  assert.ok(found.length <= 150);
  assert.ok(found.every(({ width }) => width <= 6));
  const seconds = found.flatMap(({ parts }) => [...parts.values()]).reduce((one, other) => one + other);
  assert.equal(Math.round(seconds), 10_000);
  assert.equal(found.filter(({ parts }) => parts.has("Fault")).length, 1);
});

test("a column is stacked in the order of colours, and what held for a moment can be seen", () => {
  const found = stacked(new Map([["Fault", 0.001], ["a", 3], ["b", 1]]), new Map([["a", 2], ["b", 1], ["Fault", 8]]));
  assert.deepEqual(found.map(([text]) => text), ["b", "a", "Fault"]);
  assert.equal(found[0][1], 0);
  assert.equal(found[2][2], 1);
  assert.ok(found[2][2] - found[2][1] > 0.1);
});

test("what has begun just now is within the lane", () => {
  const [, last] = bands(stretches(statesOf([row(0, "a"), row(999.9, "b")]), 0, 1000), 0, 1000, 500);
  assert.equal(last.left + last.width, 500);
});

test("a text keeps its colour, others have another one as long as there are some", () => {
  const known = new Map();
  paint(known, ["Running", "x"]);
  const before = new Map(known);
  paint(known, ["Fault", "Idle", "y", "x", "z"]);
  for (const [text, shade] of before) assert.equal(known.get(text), shade);
  assert.equal(new Set(known.values()).size, known.size);
  paint(known, Array.from({ length: 500 }, (_, index) => `order ${index}`));
  assert.ok(!known.has("Running"));
  paint(known, ["order 1"]);
  assert.ok(known.size <= 500);
  paint(known, ["order 1", "new"]);
  assert.ok(known.size <= SHADES);
});

const KINDS = [
  [{ type: "string" }, "states"],
  [{ type: ["string", "null"] }, "states"],
  [{ type: "boolean" }, "line"],
  [{ type: "integer", enum: [1, 2] }, "line"],
  [{ type: ["integer", "number"] }, "line"],
  [{ type: "object" }, "none"],
  [{ type: ["array", "null"] }, "none"],
  [{ type: ["number", "string"] }, null],
  [{}, null],
  [undefined, null],
];
for (const [schema, kind] of KINDS) test(`${JSON.stringify(schema)} is ${kind}`, () => assert.equal(kindOf(schema), kind));

test("where the schema does not tell, most values do", () => {
  assert.equal(kindOfValues([null, "a", "b", 1]), "states");
  assert.equal(kindOfValues([1, true, 2n, "off"]), "line");
  assert.equal(kindOfValues([{}, []]), "none");
  assert.equal(kindOfValues([null]), null);
});
