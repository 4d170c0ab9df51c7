// What the page makes of a provider's tokens.

import assert from "node:assert/strict";
import { test } from "node:test";
import { claims, notTaken, renewAfter } from "../../../bridge/web/lib/tokens.js";

function jwt(said) {
  return `e30.${Buffer.from(JSON.stringify(said)).toString("base64url")}.c2ln`;
}

test("claims are read, in any script", () => {
  const said = { aud: ["bridge", "Brücke"], sub: "日本?>" };
  assert.deepEqual(claims(jwt(said)), said);
});

for (const odd of ["", "a", "a.b", "a.b.c", "a.e30=.c.d", "..", jwt(null), jwt("text"), `a.${btoa("{")}.c`]) {
  test(`"${odd}" has no claims`, () => assert.equal(claims(odd), null));
}

const RENEWALS = [
  [-5, 1],
  [0, 1],
  [8, 6],
  [60, 45],
  [240, 180],
  [300, 240],
  [3600, 3540],
];

for (const [life, seconds] of RENEWALS) {
  test(`a token of ${life} s is renewed after ${seconds} s`, () => assert.equal(renewAfter(life), seconds * 1_000));
}

test("a token that lives for years does not overflow a timer", () => assert.equal(renewAfter(1e9), 2 ** 31 - 1));

test("who is refused reads whom the token is for", () => {
  const told = notTaken(jwt({ aud: "account", iss: "https://id.example" }), "Contoso");
  assert.match(told, /^Contoso knows you, but the bridge does not take its token\./);
  assert.match(told, /the audience "account", from the issuer "https:\/\/id\.example"/);
  assert.match(notTaken(jwt({ aud: ["a", 5, "b"] }), "x"), /"a", "b", from the issuer nobody/);
  assert.match(notTaken("opaque", "Contoso"), /no JWT/);
});
