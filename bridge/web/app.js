// The page: who looks, what is shown, and how the connection is.

import { html, render, useEffect, useState } from "./vendor/preact.js";
import * as live from "./lib/live.js";
import * as model from "./lib/model.js";
import * as router from "./lib/router.js";
import * as session from "./lib/session.js";
import { age } from "./lib/format.js";
import { now } from "./lib/api.js";
import { useTicks } from "./lib/ticks.js";
import { titleOf } from "./lib/titles.js";
import { Plant } from "./views/plant.js";
import { SignIn } from "./views/signin.js";
import { Types } from "./views/types.js";
import { Trends } from "./views/trends.js";
import { Health } from "./views/health.js";
import { Explain } from "./views/explain.js";

const VIEWS = {
  plant: ["Plant", Plant],
  types: ["Types", Types],
  trend: ["Trend", Trends],
  health: ["Health", Health],
  explain: ["Explain", Explain],
};
const NOWHERE = { path: "", query: {} }; // before somebody is let in nothing is named
const SCHEMES = { "": "System", light: "Light", dark: "Dark" };
const SCHEME_KEY = "bridge.scheme";

function App() {
  const state = session.state.value;
  const route = router.route.value;
  const view = Object.hasOwn(VIEWS, route.view) ? route.view : "plant";
  const [name, View] = VIEWS[view];
  useEffect(() => {
    document.title = titleOf(name, state === "in" ? route : NOWHERE);
  }, [name, route, state]);
  useEffect(() => {
    if (state !== "in") return undefined;
    live.start();
    const end = model.start();
    return () => {
      end();
      live.stop();
    };
  }, [state]);
  const renewals = session.renewals.value;
  useEffect(() => {
    if (renewals) live.takeOver();
  }, [renewals]);
  return html`
    <${Top} view=${view} isIn=${state === "in"} />
    ${state === "in" && html`<${Broken} /><${Blind} />`}
    <main class="stage" id="main">
      ${state === "in" && html`<${View} />`}
      ${state === "needed" && html`<${SignIn} />`}
      ${state === "checking" && html`<p class="notice">Connecting…</p>`}
      ${state === "away" && html`<p class="notice error" role="alert">${session.reason}. Trying again…</p>`}
    </main>`;
}

function Top({ view, isIn }) {
  return html`
    <header class="top">
      <a class="brand" href=${router.href("plant")}><img src="web/icon.svg" alt="" />bridge</a>
      ${isIn && html`
        <nav class="tabs" aria-label="Views">
          ${Object.entries(VIEWS).map(
            ([name, [title]]) =>
              html`<a href=${router.href(name)} aria-current=${name === view ? "page" : undefined}>${title}</a>`,
          )}
          <a href="docs">API</a>
        </nav>`}
      <span class="spring"></span>
      ${isIn && html`<${Connection} /><${Who} />`}
      <${Scheme} />
    </header>`;
}

const CONNECTION = {
  live: ["Good", "live"],
  connecting: ["unknown", "connecting…"],
  broken: ["Bad", "disconnected"],
  off: ["unknown", "off"],
};

function Connection() {
  const { is, reason } = live.connection.value;
  const [dot, text] = CONNECTION[is];
  return html`<span class="state" role="status" data-connection=${is} title=${reason || "the stream of updates is open"}>
    <span class="dot ${dot}"></span>${text}
  </span>`;
}

/** Values stay on the screen while the stream is away, and are said to be old. */
function Broken() {
  useTicks();
  const { is, reason, since } = live.connection.value;
  if (is !== "broken" || now() - since < 1_500) return null;
  return html`<div class="banner" role="alert">
    Not live<span aria-hidden="true"> for ${age(now() - since)}</span>: ${reason}. Values are as they were; the page keeps
    trying.
  </div>`;
}

/** Somebody whom the provider knows and no grant does. */
function Blind() {
  const { name, read, write, admin } = session.me.value;
  if (!name.startsWith("oidc:") || read.length || write.length || admin) return null;
  return html`<div class="banner" role="alert">
    You are signed in as ${name}, and may see nothing: no [[grant]] of the bridge fits what the provider says of you.
  </div>`;
}

function Who() {
  const me = session.me.value;
  if (!me?.signedIn) return null;
  return html`<span class="state who" title="${me.name} ${permissions(me)}">${me.name}</span>
    <button class="plain" onClick=${leave}>Sign out</button>`;
}

/** The subscription is let go of while we still may. */
function leave() {
  live.stop();
  session.signOut();
}

function permissions(me) {
  const list = (filters) => (filters?.length ? filters.join(", ") : "nothing");
  return `reads ${list(me.read)}; writes ${list(me.write)}${me.admin ? "; admin" : ""}`;
}

function Scheme() {
  const [scheme, setScheme] = useState(localStorage.getItem(SCHEME_KEY) ?? "");
  useEffect(() => {
    document.documentElement.dataset.scheme = scheme;
    localStorage.setItem(SCHEME_KEY, scheme);
  }, [scheme]);
  return html`<label class="state"><span class="hidden-label">Colours</span>
    <select value=${scheme} onChange=${(event) => setScheme(event.target.value)}>
      ${Object.entries(SCHEMES).map(([value, name]) => html`<option value=${value}>${name}</option>`)}
    </select></label>`;
}

document.documentElement.dataset.scheme = localStorage.getItem(SCHEME_KEY) ?? "";
router.start();
addEventListener("pagehide", live.release);
addEventListener("pageshow", (event) => event.persisted && location.reload());
const page = document.getElementById("page");
page.textContent = "";
render(html`<${App} />`, page);
session.start();
