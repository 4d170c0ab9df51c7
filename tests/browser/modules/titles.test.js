// What a page is called in tabs and bookmarks.

import assert from "node:assert/strict";
import { test } from "node:test";
import { parseHash } from "../../../bridge/web/lib/router.js";
import { titleOf } from "../../../bridge/web/lib/titles.js";

const TITLES = [
  ["Plant", "#/plant", "Plant – bridge"],
  ["Plant", "#/plant/acme", "acme – bridge"],
  ["Plant", "#/plant/acme/hall1/vat01/process/temperature", "vat01 / process / temperature – bridge"],
  ["Plant", "#/plant/acme/cnc/motion%23/x/y", "motion / x / y – bridge"],
  ["Types", "#/types/urn:uns:acme%23Vat", "Vat – Types – bridge"],
  ["Trend", '#/trend?ids=["a/b/c/d","e"]', "b / c / d and 1 more – Trend – bridge"],
  ["Trend", "#/trend?ids=broken", "Trend – bridge"],
  ["Trend", "#/trend", "Trend – bridge"],
  ["Explain", "#/explain?topic=a/b", "a / b – Explain – bridge"],
  ["Health", "#/health", "Health – bridge"],
];
for (const [view, address, title] of TITLES) {
  test(`${address} is called ${title}`, () => assert.equal(titleOf(view, parseHash(address)), title));
}
