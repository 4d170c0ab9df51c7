// Ranges of the past and their neighbours.

import assert from "node:assert/strict";
import { test } from "node:test";
import { earlier, later, nearer, wider } from "../../../bridge/web/lib/windows.js";

test("nearer is the half in the middle, wider twice as much, neither after now", () => {
  assert.deepEqual(nearer([100, 200]), [125, 175]);
  assert.deepEqual(wider([100, 200], 1000), [50, 250]);
  assert.deepEqual(wider([100, 200], 210), [50, 210]);
});

test("earlier and later go half a range, and no further than now", () => {
  assert.deepEqual(earlier([100, 200]), [50, 150]);
  assert.deepEqual(later([100, 200], 1000), [150, 250]);
  assert.deepEqual(later([100, 200], 210), [110, 210]);
  assert.deepEqual(later([100, 200], 150), [100, 200]);
});
