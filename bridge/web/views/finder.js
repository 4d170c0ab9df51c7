// A box in which an element is found by typing (WAI-ARIA, combobox with a list).

import { html, useState } from "../vendor/preact.js";
import { useFound } from "../lib/hooks.js";

const SHOWN = 12;

export function Finder({ label, choose }) {
  const [text, setText] = useState("");
  const [isLeft, setIsLeft] = useState(false);
  const [at, setAt] = useState(0);
  const found = useFound(isLeft ? "" : text, SHOWN);
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
      spellcheck=${false} onInput=${(event) => (setText(event.target.value), setAt(0))} onKeyDown=${onKeyDown}
      onFocus=${() => setIsLeft(false)} onBlur=${() => setIsLeft(true)} />
    ${isOpen && html`<ul id="found" role="listbox" aria-label="Found">${found.map((object, index) => html`<li role="option" id="found-${index}"
      aria-selected=${index === at} onPointerDown=${(event) => (event.preventDefault(), take(object))}>
      <b>${object.displayName}</b> ${object.unit && html`<span class="muted">${object.unit}</span>`}
      <span class="muted mono">${object.elementId}</span></li>`)}</ul>`}
  </span>`;
}
