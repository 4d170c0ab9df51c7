// What was edited in a value, what the plant changed meanwhile, and what is sent of it.

import assert from "node:assert/strict";
import { test } from "node:test";
import { differences, merged, picked, planned, same } from "../../../bridge/web/lib/changes.js";
import { isComposed, unitsAmong } from "../../../bridge/web/lib/units.js";

test("values are the same whatever the order of their keys", () => {
  assert.ok(same({ a: 1, b: [1, { c: null }] }, { b: [1, { c: null }], a: 1 }));
  assert.ok(!same({ a: undefined }, { b: undefined }));
  assert.ok(!same([1, 2], [1]));
  assert.ok(!same(1, "1"));
});

test("differences go down to the keys that differ; lists are one", () => {
  assert.deepEqual(differences({ a: { b: 1, c: [1] }, d: 2, e: 0 }, { a: { b: 5, c: [2] }, e: 0, f: null }), [
    { path: ["a", "b"], before: 1, after: 5 },
    { path: ["a", "c"], before: [1], after: [2] },
    { path: ["d"], before: 2, after: undefined },
    { path: ["f"], before: undefined, after: null },
  ]);
  assert.deepEqual(differences(5, 5), []);
  assert.deepEqual(differences(5, { a: 1 }), [{ path: [], before: 5, after: { a: 1 } }]);
});

const MERGES = {
  "what was not touched is as the plant has it": [{ a: 1, b: 2 }, { a: 5, b: 2 }, { a: 1, b: 9 }, { a: 5, b: 9 }],
  "deep inside, too": [{ s: { a: 1, b: 2 } }, { s: { a: 5, b: 2 } }, { s: { a: 1, b: 9 } }, { s: { a: 5, b: 9 } }],
  "what was touched is as it was edited": [{ a: 1 }, { a: 5 }, { a: 9 }, { a: 5 }],
  "what was taken out stays out": [{ a: 1, b: 2 }, { a: 1 }, { a: 3, b: 2 }, { a: 3 }],
  "what the plant took out stays out": [{ a: 1, b: 2 }, { a: 5, b: 2 }, { a: 1 }, { a: 5 }],
  "what either added is there": [{}, { a: 1 }, { b: 2 }, { b: 2, a: 1 }],
  "what is no object is edited as a whole": [[1, 2], [1, 3], [9, 2], [1, 3]],
  "where the plant has nothing now, all of it is": [{ a: 1, b: 2 }, { a: 5, b: 2 }, null, { a: 5, b: 2 }],
};
for (const [name, [base, edited, present, wanted]] of Object.entries(MERGES)) {
  test(name, () => assert.deepEqual(merged(base, edited, present), wanted));
}
test("a key may be called as it likes", () => {
  const odd = JSON.parse('{"__proto__": 1, "b": 2}');
  assert.equal(JSON.stringify(merged(odd, { ...odd, b: 3 }, odd)), '{"__proto__":1,"b":3}');
});

const UNITS = [["agitator"], ["recipe"], ["motor", "speed"], ["motor", "axis"]];
const BASE = { agitator: 1, recipe: "a", motor: { speed: 5, axis: { x: 1, y: 2 } } };
const PRESENT = { agitator: 1, recipe: "b", motor: { speed: 6, axis: { x: 1, y: 9 } }, state: "on" };

test("of what is composed only the parts that were changed are sent", () => {
  const plan = planned(BASE, { ...BASE, agitator: 2 }, PRESENT, UNITS);
  assert.deepEqual(plan, { value: { agitator: 2 }, rows: [{ path: ["agitator"], before: 1, after: 2 }], meanwhile: [] });
});

test("what is sent, and has changed in the plant, is told", () => {
  const { value, meanwhile } = planned(BASE, { ...BASE, recipe: "c" }, PRESENT, UNITS);
  assert.deepEqual(value, { recipe: "c" });
  assert.deepEqual(meanwhile, [{ path: ["recipe"], before: "a", after: "b" }]);
});

test("a part that is a document is sent whole, as the plant has the rest of it", () => {
  const edited = { ...BASE, motor: { ...BASE.motor, axis: { x: 7, y: 2 } } };
  const { value, rows, meanwhile } = planned(BASE, edited, PRESENT, UNITS);
  assert.deepEqual(value, { motor: { axis: { x: 7, y: 9 } } });
  assert.deepEqual(rows, [{ path: ["motor", "axis", "x"], before: 1, after: 7 }]);
  assert.deepEqual(meanwhile, [{ path: ["motor", "axis", "y"], before: 2, after: 9 }]);
});

test("what is composed cannot be written without a change, nor as something else", () => {
  assert.match(planned(BASE, BASE, PRESENT, UNITS).problem, /change one of its parts/);
  assert.match(planned(BASE, { agitator: 1 }, PRESENT, UNITS).problem, /change one of its parts/);
  assert.match(planned(BASE, 5, PRESENT, UNITS).problem, /must be an object/);
  assert.match(planned(BASE, { ...BASE, recipe: null }, PRESENT, UNITS).problem, /recipe: write that part by itself/);
  assert.deepEqual(planned(BASE, { odd: 1 }, PRESENT, UNITS).value, { odd: 1 });
});

test("one payload is sent whole", () => {
  assert.deepEqual(planned(5, 7, 6), {
    value: 7,
    rows: [{ path: [], before: 6, after: 7 }],
    meanwhile: [{ path: [], before: 5, after: 6 }],
  });
  assert.deepEqual(planned(5, 5, 5).value, 5);
});

test("what was typed is sent, even where it was not changed and the plant has something else now", () => {
  assert.equal(planned(5, 5, 6).value, 5);
  assert.equal(planned("a", "a", null).value, "a");
  assert.deepEqual(planned([1], [1], [2]).value, [1]);
});

test("parts are found by their topics; what lies below one with a payload is none of the whole", () => {
  const part = (topic, more) => ({ metadata: { system: { topic, receivedAt: "2026-01-01T00:00:00Z", ...more } } });
  const group = { metadata: { system: { topic: "a/m/motor" } } };
  const parts = [part("a/m/x"), part("a/m/x", { path: ["f"] }), part("a/m/x/y"), group, part("a/m/motor/speed")];
  assert.deepEqual(unitsAmong(parts, "a/m"), [
    { topic: "a/m/x", path: ["x"] },
    { topic: "a/m/motor/speed", path: ["motor", "speed"] },
  ]);
  assert.ok(isComposed({ isComposition: true, metadata: group.metadata }, null));
  assert.ok(!isComposed({ isComposition: true, ...part("a/m/x") }, { f: 1 }));
  assert.ok(!isComposed({ isComposition: true, metadata: { system: { topic: "a", path: ["f"] } } }, { f: 1 }));
});

test("of a value some parts", () => {
  assert.deepEqual(picked(PRESENT, [["agitator"], ["motor", "speed"], ["gone"]]), { agitator: 1, motor: { speed: 6 } });
});
