// Documents as rows and columns, values to edit, filters, and addresses.

import assert from "node:assert/strict";
import { test } from "node:test";
import { columnsOf, compare, partOf, valueAt } from "../../../bridge/web/lib/columns.js";
import {
  editorOf,
  kindsOf,
  needsLines,
  read,
  sentence,
  textAfter,
  textOf,
  widened,
  withBreaksOf,
} from "../../../bridge/web/lib/editing.js";
import { fieldsOf, isDocument, schemaAt } from "../../../bridge/web/lib/fields.js";
import { matches, whyNotWritable } from "../../../bridge/web/lib/filters.js";
import { encodeId, parseHash } from "../../../bridge/web/lib/router.js";

test("a document's fields come depth first, lists of plain values in one row", () => {
  const rows = fieldsOf({ a: 1, "b/c": { d: [1, 2], e: [{ f: null }] }, g: {} });
  assert.deepEqual(
    rows.map(({ key, level, isBranch }) => [key, level, isBranch]),
    [["/a", 0, false], ["/b~1c", 0, true], ["/b~1c/d", 1, false], ["/b~1c/e", 1, true], ["/b~1c/e/0", 2, true],
      ["/b~1c/e/0/f", 3, false], ["/g", 0, false]],
  );
  assert.equal(fieldsOf({ a: [{ b: 1 }, { b: 2 }] }, 3).length, 3);
  assert.deepEqual(fieldsOf(5), []);
});

test("documents have fields, lists and plain values have none", () => {
  assert.deepEqual([{}, { a: 1 }, [], [1], null, 5, "{}"].map(isDocument), [true, true, false, false, false, false, false]);
});

test("a schema is followed into properties and items", () => {
  const schema = { properties: { a: { items: { properties: { b: { type: "number" } } } } } };
  assert.deepEqual(schemaAt(schema, ["a", 0, "b"]), { type: "number" });
  assert.equal(schemaAt(schema, ["x", "y"]), null);
  assert.equal(schemaAt(undefined, ["x"]), null);
});

test("a kind's columns are the leaves of its type", () => {
  const schema = { type: "object", properties: { p: { properties: { t: { type: ["number", "null"], unit: "°C" } } }, s: { type: "string" } } };
  assert.deepEqual(
    columnsOf(schema, 60).map(({ key, name, above, unit, isNumber }) => [key, name, above, unit, isNumber]),
    [["/p/t", "t", "p", "°C", true], ["/s", "s", "", "", false]],
  );
  assert.deepEqual(columnsOf({ type: "number" }, 60).map(({ key, name }) => [key, name]), [["", "value"]]);
  assert.equal(valueAt({ p: { t: 5 } }, ["p", "t"]), 5);
  assert.equal(valueAt(null, ["p", "t"]), undefined);
});

test("parts and fields belong to their columns", () => {
  assert.equal(partOf("acme/vat01/process/level", "acme/vat01"), "/process/level");
  assert.equal(partOf("acme/cnc/motion#/x~1y/z", "acme/cnc"), "/motion/x~1y/z");
  assert.equal(partOf("acme/cnc/motion#/x", "acme/cnc/motion"), "/x");
});

test("rows are sorted by number, then text with its numbers, then nothing", () => {
  assert.deepEqual(["vat10", null, 2, "vat2", 10n, undefined, 1].sort(compare), [1, 2, 10n, "vat2", "vat10", null, undefined]);
});

test("the editor follows the type, and where there is none the value", () => {
  assert.equal(editorOf({ enum: ["a"] }), "choice");
  assert.equal(editorOf({ type: ["number", "null"] }), "number");
  assert.equal(editorOf({ type: "array" }), "json");
  assert.equal(editorOf(undefined, true), "boolean");
  assert.equal(textOf("json", { a: 1n }), '{\n  "a": 1\n}');
});

const TYPED = [
  ["number", "12,5", {}, { value: 12.5 }],
  ["number", "12.5 bar", {}, { problem: "must be a number" }],
  ["number", "", {}, { problem: "must be a number" }],
  ["number", "1e999", {}, { problem: "is too large" }],
  ["number", "101", { maximum: 100 }, { problem: "must be at most 100" }],
  ["integer", "1.5", {}, { value: 1.5 }],
  ["integer", "9007199254740993", {}, { value: 9007199254740993n }],
  ["number", "9007199254740993", {}, { value: 9007199254740993n }],
  ["boolean", "", {}, { problem: "choose true or false" }],
  ["boolean", "false", {}, { value: false }],
  ["choice", "2", { enum: [1, 2] }, { value: 2 }],
  ["choice", "3", { enum: [1, 2] }, { problem: "choose one" }],
  ["boolean", "7", {}, { problem: "choose true or false" }],
  ["number", "60,5", {}, { value: 60.5 }],
  ["number", "1234,56", {}, { value: 1234.56 }],
  ["number", "-0,1e3", {}, { value: -100 }],
  ["number", "1,234", {}, { problem: "has a comma that can be read in two ways: write 1234 or 1.234, whichever is meant" }],
  ["number", "1,234,567", {}, { problem: "has commas that seem to part thousands: write 1234567 if that is meant" }],
  ["number", "1,234.5", {}, { problem: "has commas that seem to part thousands: write 1234.5 if that is meant" }],
  ["number", "a,b", {}, { problem: "must be a number" }],
  ["string", " as it is ", {}, { value: " as it is " }],
  ["json", '{"a": [1]}', {}, { value: { a: [1] } }],
];
for (const [editor, text, schema, found] of TYPED) {
  test(`${JSON.stringify(text)} as ${editor}`, () => assert.deepEqual(read(editor, text, schema), found));
}

const UNION = { type: ["string", "integer", "null"] };
const FITTING = [
  ["auto", UNION, 5, { value: "auto" }],
  ["7", UNION, 5, { value: 7 }],
  ["7", UNION, null, { value: 7 }],
  ["7", UNION, "manual", { value: "7" }],
  ["1.5", UNION, 5, { value: 1.5 }],
  ["1,234", { type: ["number", "string"] }, 5, { problem: /in two ways/ }],
  ["auto", { type: ["number", "integer"] }, 5, { problem: "must be a number" }],
  ["true", { type: ["boolean", "number"] }, 5, { value: true }],
  ["auto", { type: ["boolean", "number"] }, 5, { problem: "must be a number" }],
  ['{"a": 1}', { type: ["object", "string"] }, null, { value: { a: 1 } }],
];
for (const [text, schema, present, found] of FITTING) {
  test(`${text} as one of ${schema.type}, where the plant has ${present}`, () => {
    const got = read(editorOf(schema, present), text, schema, present);
    if (found.problem instanceof RegExp) assert.match(got.problem, found.problem);
    else assert.deepEqual(got, found);
  });
}
test("a type of several kinds lets each of them be chosen, and a number is a whole one, too", () => {
  assert.deepEqual(kindsOf(UNION), ["string", "integer"]);
  assert.deepEqual(kindsOf({ type: ["integer", "number", "array", "object"] }), ["number", "json"]);
  assert.equal(editorOf({ type: ["integer", "number"] }, 1), "number");
  assert.equal(textOf("any", { a: 1 }), '{\n  "a": 1\n}');
});

test("a field's schema is that of its document, where that allows more kinds", () => {
  assert.deepEqual(widened({ type: "integer", maximum: 9 }, UNION), { ...UNION, maximum: 9 });
  assert.deepEqual(widened({ type: "integer" }, { type: ["integer", "null"] }), { type: "integer" });
  assert.deepEqual(widened({ enum: ["a"] }, UNION), { enum: ["a"] });
  assert.equal(widened(undefined, null), undefined);
});

test("problems are told as sentences", () => {
  assert.equal(sentence("choose one"), "Choose one.");
  assert.equal(sentence("is too large"), "The value is too large.");
});

test("a field that becomes another one begins anew, and with nothing where there is something to choose", () => {
  assert.equal(textAfter("boolean", "number", "7", { value: true }), "");
  assert.equal(textAfter("choice", "string", "a", { schema: { enum: ["a"] }, value: "a" }), "");
  assert.equal(textAfter("integer", "number", "7", { schema: {}, value: 5 }), "7");
  assert.equal(textAfter("integer", "number", "7.5", { schema: {}, value: 5 }), "7.5");
  assert.equal(textAfter("any", "integer", "auto", { schema: UNION, value: 5 }), "auto");
  assert.equal(textAfter("string", "json", "{", { value: "b" }), "b");
});

test("texts of several lines keep their breaks", () => {
  assert.deepEqual(["a\nb", "a", "x".repeat(81)].map(needsLines), [true, false, true]);
  assert.equal(withBreaksOf("a\r\nb", "a\nc"), "a\r\nc");
  assert.equal(withBreaksOf("a\nb", "a\nc"), "a\nc");
});

test("broken JSON says where", () => assert.match(read("json", "{", {}).problem, /^is no JSON: /));

const FILTERS = [
  ["#", "$bridge/x", true],
  ["+/x", "$bridge/x", false],
  ["a/#", "a", true],
  ["a/#", "a/b/c", true],
  ["a/+", "a", false],
  ["a/+", "a/b", true],
  ["a/+", "a/b/c", false],
  ["a/+/c", "a//c", true],
  ["a", "b", false],
];
for (const [filter, topic, found] of FILTERS) {
  test(`${filter} ${found ? "covers" : "does not cover"} ${topic}`, () => assert.equal(matches(filter, topic), found));
}

test("why somebody may not write names the remedy", () => {
  const me = { name: "scada", write: ["a/#"], writes: { enabled: true, allow: ["a/#", "b/#"], deny: ["a/x"] } };
  assert.equal(whyNotWritable(me, "a/b"), "");
  assert.equal(whyNotWritable(me, "b/c"), 'scada may not write here. An admin can let them: bridge token allow scada --write "a/#" --write "b/c"');
  assert.match(whyNotWritable({ ...me, name: "a b", write: [] }, "$x/'c"), /bridge token allow "a b" --write '\$x\/'\\''c'$/);
  assert.match(whyNotWritable({ ...me, name: "oidc:alice" }, "b/c"), /^oidc:alice may not .* \[\[grant\]\] .* write = \["b\/c"\]$/);
  assert.match(whyNotWritable(me, "a/x"), /\[writes\] deny/);
  assert.match(whyNotWritable({ ...me, write: ["#"] }, "c"), /\[writes\] allow/);
  assert.match(whyNotWritable({ ...me, writes: { enabled: false } }, "a/b"), /\[writes\] enabled/);
});

for (const id of ["acme/line 1/vat01", "a#/b~1c", "a?b=c&d", "100%25", "ü/€", "$bridge/model/version", "urn:uns:acme#Vat", "<img>"]) {
  test(`the address of ${id} leads back to it`, () => {
    assert.deepEqual(parseHash(`#/plant/${encodeId(id)}?x=1`), { view: "plant", path: id, query: { x: "1" } });
  });
}
test("addresses that are broken lead somewhere", () => {
  assert.deepEqual(parseHash(""), { view: "plant", path: "", query: {} });
  assert.deepEqual(parseHash("#/plant/%E0%A4%A"), { view: "plant", path: "%E0%A4%A", query: {} });
});
