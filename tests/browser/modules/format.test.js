// How values, times and ages are written.

import assert from "node:assert/strict";
import { test } from "node:test";
import { age, bytes, cut, grouped, number, short, visible, withBreaks } from "../../../bridge/web/lib/format.js";

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

const HIDDEN = [
  ["\u202Eevil", "\\u202Eevil"],
  ["one\ntwo\tthree\u0000", "one↵two⇥three\\u0000"],
  ["a\u200Bb\uFEFF\u2066", "a\\u200Bb\\uFEFF\\u2066"],
  ["\u007f\u0085", "\\u007F\\u0085"],
  ["half \ud83d", "half \\uD83D"],
  ["😀 ürgel 👩‍🔧 می‌خواهم", "😀 ürgel 👩‍🔧 می‌خواهم"],
];
for (const [given, shown] of HIDDEN) {
  test(`nothing is hidden in ${JSON.stringify(given)}`, () => {
    assert.equal(visible(given), shown);
    assert.equal(short(given), shown);
  });
}

test("where there is room lines and tabs are what they are", () => {
  assert.equal(visible("one\ntwo\tthree\r\u202E", true), "one\ntwo\tthree\\r\\u202E");
});

test("a text is cut to what fits, and no character in two", () => {
  assert.deepEqual([cut("abcdef", 6), cut("abcdefg", 6), cut("abcd😀fg", 6)], ["abcdef", "abcde…", "abcd…"]);
});

test("long counts are grouped", () => assert.equal(grouped(1234567), `1${NARROW}234${NARROW}567`));

test("bytes have a unit of their size", () => assert.deepEqual([999, 1500, 250e6].map(bytes), ["999 B", "1.5 kB", "250 MB"]));

test("ages are told in their largest unit, the future as such", () => {
  assert.deepEqual([0, 12_400, 180_000, -12_000].map(age), ["now", "12 s", "3 min", "in 12 s"]);
});

test("line breaks can be seen", () => assert.equal(withBreaks("a\nb\r\n"), "a↵\nb↵\r\n"));

test("in its lines a text has its marks shown, too", () => assert.equal(withBreaks("\u202ea\nb"), "\\u202Ea↵\nb"));
