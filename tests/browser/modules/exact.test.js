// JSON whose integers stay exact.

import assert from "node:assert/strict";
import { test } from "node:test";
import { parse, stringify } from "../../../bridge/web/lib/exact.js";

test("integers beyond a double come and go as they are", () => {
  const text = '{"count":9007199254740993,"small":12,"real":1.5}';
  assert.deepEqual(parse(text), { count: 9007199254740993n, small: 12, real: 1.5 });
  assert.equal(stringify(parse(text)), text);
});

test("digits in a text are no number", () => {
  assert.deepEqual(parse('["9007199254740993"]'), ["9007199254740993"]);
});
