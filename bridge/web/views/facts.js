// What the bridge tells of a topic as a table: fact, what it is, and why.

import { html } from "../vendor/preact.js";
import { stringify } from "../lib/exact.js";
import { counted, grouped, local, number } from "../lib/format.js";
import { href } from "../lib/router.js";
import { Age, Dot, ElementLink } from "./parts.js";

/** Fact → what it is called, in the order of telling. */
const GROUPS = {
  "What it says": {
    "alias of": "Alias of",
    name: "Name",
    description: "Description",
    value: "Value",
    unit: "Unit",
    quality: "Quality",
    "doubted since": "In doubt since",
    time: "Time of the value",
    received: "Received",
  },
  "How it is read": { codec: "Format", envelope: "Keys of the payload", batch: "Gateway's batch", rules: "Rules" },
  "Where it belongs": {
    place: "Place in the tree",
    type: "Type",
    version: "Version of the type",
    shared: "Others of this type",
    "extends its type by": "More than its type has",
    "drift of its type": "Changes of its type",
  },
};
const IN_EMPTY_SPACE = new Set(["version", "shared", "received"]); // of a trial these tell nothing

export function Facts({ facts, isTrial }) {
  const names = new Set(Object.keys(facts).filter((name) => !(isTrial && IN_EMPTY_SPACE.has(name))));
  const groups = Object.entries(GROUPS).map(([title, known]) => {
    return [title, Object.entries(known).filter(([name]) => names.has(name))];
  });
  const isKnown = new Set(groups.flatMap(([, rows]) => rows.map(([name]) => name)));
  const others = [...names].filter((name) => !isKnown.has(name)).map((name) => [name, name]);
  const shown = [...groups, ["Also", others]].filter(([, rows]) => rows.length);
  if (!shown.length) return null;
  return html`
    <div class="scroll"><table class="explained"><caption class="hidden-label">Facts</caption>
      <thead><tr><th scope="col">Fact</th><th scope="col">What</th><th scope="col">Why</th></tr></thead>
      ${shown.map(([title, rows]) => html`<tbody key=${title}>
        <tr><th scope="rowgroup" colspan="3" class="group">${title}</th></tr>
        ${rows.map(([name, label]) => html`<tr key=${name}><th scope="row">${label}</th>
          <td><${Said} name=${name} said=${facts[name].said} /></td>
          <td class="muted">${reasonText(name, facts[name], facts)}</td></tr>`)}</tbody>`)}
    </table></div>`;
}

/** The bridge's words, without its own paragraphs, "(G.4)". */
function reasonText(name, { said, why = "" }, facts) {
  if (name === "shared" && said === 0) return "it is the only one";
  const text = why.replace(/ \([A-Z]\.\d+\)/g, "");
  if (name !== "shared") return text;
  return html`${text}. <a href=${href("types", facts.type?.said ?? "")}>All side by side</a>`;
}

function Said({ name, said }) {
  if (said === null) return html`<span class="muted">${name === "value" ? "none (null)" : "–"}</span>`;
  switch (name) {
    case "type":
      return html`<a href=${href("types", said)}>${said}</a>`;
    case "alias of":
      return html`<${ElementLink} id=${said} />`;
    case "time":
    case "received":
    case "doubted since":
      return html`${local(said)} <span class="muted">(<${Age} timestamp=${said} ago />)</span>`;
    case "quality":
      return html`<span class="badge ${said}"><${Dot} quality=${said} /> ${said}</span>`;
    case "value":
      return html`<${Value} said=${said} />`;
    case "place":
      return html`<${Place} said=${said} />`;
    case "envelope":
      return html`<${Pairs} pairs=${said} none="all of them are the value" />`;
    case "rules":
      return html`<${Pairs} pairs=${said} none="none" />`;
    default:
      return html`<${Anything} said=${said} />`;
  }
}

/** Of documents the bridge tells the keys only. */
function Value({ said }) {
  if (typeof said === "number" || typeof said === "bigint") return html`<b>${number(said)}</b>`;
  if (said === "") return html`<span class="muted">an empty text</span>`;
  if (typeof said === "string") return html`<code class="topic">${said}</code>`;
  if (Array.isArray(said?.keys)) {
    return html`an object with ${counted(said.keys.length, "key")}: <${Anything} said=${said.keys} />`;
  }
  if (typeof said?.items === "number") return `a list of ${counted(said.items, "item")}`;
  return html`<${Anything} said=${said} />`;
}

const PLACES = ["part of ", "thing below "];

function Place({ said }) {
  const how = PLACES.find((one) => said.startsWith(one));
  if (!how) return said === "root" ? "a root" : said;
  const above = said.slice(how.length);
  return html`${how === "part of " ? "a part of" : "a thing below"} <${ElementLink} id=${above} />`;
}

function Pairs({ pairs, none }) {
  const rows = Object.entries(pairs);
  if (!rows.length) return none;
  return html`<ul class="pairs">${rows.map(([key, value]) => html`<li key=${key}>
    <span class="muted">${key}:</span> <${Anything} said=${value} /></li>`)}</ul>`;
}

const SHOWN = 30; // of a list

function Anything({ said }) {
  if (Array.isArray(said) && said.every((one) => typeof one !== "object")) {
    const more = said.length - SHOWN;
    const shown = said.slice(0, SHOWN).map(String);
    return html`${shown.map((one, index) => html`${index > 0 && ", "}<code class="topic">${one}</code>`)}
      ${more > 0 && ` and ${grouped(more)} more`}`;
  }
  if (said !== null && typeof said === "object") return html`<code class="topic">${stringify(said)}</code>`;
  return typeof said === "boolean" ? (said ? "yes" : "no") : String(said);
}
