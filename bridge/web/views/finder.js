// A box in which an element is found by typing (WAI-ARIA, combobox with a list).

import { html, useEffect, useState } from "../vendor/preact.js";
import { ask } from "../lib/api.js";

const TYPING_MS = 150;
const SHOWN = 12;
const NOTHING = { to: "", results: [] };

export function Finder({ label, choose }) {
  const [text, setText] = useState("");
  const [answer, setAnswer] = useState(NOTHING);
  const found = answer.to === text ? answer.results : []; // of what was typed before Enter takes nothing
  const [at, setAt] = useState(0);
  useEffect(() => {
    setAt(0);
    if (!text.trim()) return undefined;
    const ended = new AbortController();
    const timer = setTimeout(() => {
      const query = new URLSearchParams({ q: text.trim(), limit: SHOWN });
      ask("GET", `search?${query}`, undefined, { signal: ended.signal }).then(
        ({ results }) => setAnswer({ to: text, results }),
        () => {}, // nothing to choose from
      );
    }, TYPING_MS);
    return () => {
      clearTimeout(timer);
      ended.abort();
    };
  }, [text]);
  const take = (object) => {
    if (!object) return;
    choose(object.elementId);
    setText("");
  };
  const onKeyDown = (event) => {
    const steps = { ArrowDown: 1, ArrowUp: -1 };
    if (event.key in steps && found.length) setAt((at + steps[event.key] + found.length) % found.length);
    else if (event.key === "Enter") take(found[at]);
    else if (event.key === "Escape") setText("");
    else return;
    event.preventDefault();
  };
  const isOpen = found.length > 0;
  return html`<span class="finder">
    <input role="combobox" aria-label=${label} aria-expanded=${isOpen} aria-controls="found" aria-autocomplete="list"
      aria-activedescendant=${isOpen ? `found-${at}` : undefined} placeholder="${label}…" value=${text} autocomplete="off"
      spellcheck=${false} onInput=${(event) => setText(event.target.value)} onKeyDown=${onKeyDown}
      onBlur=${() => setTimeout(() => setAnswer(NOTHING), 200)} />
    ${isOpen && html`<ul id="found" role="listbox" aria-label="Found">${found.map((object, index) => html`<li role="option" id="found-${index}"
      aria-selected=${index === at} onPointerDown=${(event) => (event.preventDefault(), take(object))}>
      <b>${object.displayName}</b> ${object.unit && html`<span class="muted">${object.unit}</span>`}
      <span class="muted mono">${object.elementId}</span></li>`)}</ul>`}
  </span>`;
}
