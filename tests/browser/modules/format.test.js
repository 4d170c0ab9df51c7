// How values, times and ages are written.

import assert from "node:assert/strict";
import { test } from "node:test";
import { age, bytes, grouped, number, short } from "../../../bridge/web/lib/format.js";

const NARROW = "\u202f";

const NUMBERS = [
  [65.9, "65.9"],
  [0.1 + 0.2, "0.3"],
  [-0.000001, "-0.000001"],
  [1e-7, "1e-7"],
  [1e15 + 0.5, "1e+15"],
  [0, "0"],
  [9007199254740993n, "9007199254740993"],
];

for (const [given, written] of NUMBERS) {
  test(`${given} is written ${written}`, () => assert.equal(number(given), written));
}

test("documents and lists are counted, not written out", () => {
  assert.equal(short({ speed: 1 }), "{1 field}");
  assert.equal(short([1, 2]), "[2 items]");
});

test("nothing and an empty text can be told apart", () => {
  assert.equal(short(null), "–");
  assert.equal(short(""), '""');
});

test("long counts are grouped", () => assert.equal(grouped(1234567), `1${NARROW}234${NARROW}567`));

test("bytes have a unit of their size", () => assert.deepEqual([999, 1500, 250e6].map(bytes), ["999 B", "1.5 kB", "250 MB"]));

test("ages are told in their largest unit, the future as such", () => {
  assert.deepEqual([0, 12_400, 180_000, -12_000].map(age), ["now", "12 s", "3 min", "in 12 s"]);
});
