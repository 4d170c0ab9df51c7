// A tree as rows, what a search found as a tree, and the part of it that can be seen.

import assert from "node:assert/strict";
import { test } from "node:test";
import { firstHit, rowsOf, treeOf, windowOf } from "../../../bridge/web/lib/rows.js";

const CHILDREN = new Map([
  ["a", ["a/1", "a/2"]],
  ["a/2", ["a/2/x"]],
  ["b", "loading"],
  ["c", { error: new Error("not permitted") }],
]);

function drawn(rows) {
  return rows.map(({ id, level, note }) => `${"  ".repeat(level - 1)}${note ? `(${note})` : id}`);
}

test("only what is open is a row", () => {
  assert.deepEqual(drawn(rowsOf(["a", "b"], CHILDREN, (id) => id === "a")), ["a", "  a/1", "  a/2", "b"]);
});

test("what is not there yet, and what failed, says so", () => {
  const rows = rowsOf(["b", "c"], CHILDREN, () => true);
  assert.deepEqual(drawn(rows), ["b", "  (loading…)", "c", "  (not permitted)"]);
});

test("places among siblings begin at 1", () => {
  const rows = rowsOf(["a"], CHILDREN, (id) => id === "a");
  assert.deepEqual(
    rows.map(({ id, level, index, size }) => [id, level, index, size]),
    [["a", 1, 1, 1], ["a/1", 2, 1, 2], ["a/2", 2, 2, 2]],
  );
});

test("relationships that go round in a circle end", () => {
  const round = new Map([["a", ["b"]], ["b", ["a"]]]);
  assert.deepEqual(drawn(rowsOf(["a"], round, () => true)), ["a", "  b", "    a"]);
});

test("a hundred thousand siblings are one pass", () => {
  const many = Array.from({ length: 100_000 }, (_, index) => `tag${index}`);
  const began = performance.now();
  assert.equal(rowsOf(["flat"], new Map([["flat", many]]), (id) => id === "flat").length, 100_001);
  assert.ok(performance.now() - began < 2_000);
});

test("a search is a tree of its hits and what lies above them", () => {
  const a = { elementId: "a", displayName: "A" };
  const found = treeOf([
    { elementId: "a/1", displayName: "one", path: [a] },
    { elementId: "b", displayName: "B", path: [] },
    { elementId: "a/2", displayName: "two", path: [a] },
    { ...a, path: [] },
  ]);
  assert.deepEqual(found.roots, ["a", "b"]);
  assert.deepEqual([...found.children], [["a", ["a/1", "a/2"]]]);
  assert.deepEqual([...found.hits], ["a/1", "b", "a/2", "a"]);
  assert.equal(found.names.get("a"), "A");
});

test("the first hit is none of what lies above it", () => {
  const rows = rowsOf(["a"], CHILDREN, (id) => id !== "a/1");
  assert.equal(firstHit(rows, new Set(["a/2/x", "a/2"])), 2);
  assert.equal(firstHit(rows, new Set()), -1);
  assert.equal(firstHit(rowsOf(["c"], CHILDREN, () => true), new Set(["c/1"])), -1);
});

const WINDOWS = [
  [[0, 300, 30, 1000], [0, 18]],
  [[3000, 300, 30, 1000], [92, 118]],
  [[1e9, 300, 30, 1000], [1000, 1000]],
  [[0, 300, 30, 0], [0, 0]],
];
for (const [given, seen] of WINDOWS) test(`of ${given} is seen ${seen}`, () => assert.deepEqual(windowOf(...given), seen));
