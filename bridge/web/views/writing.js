// Writing a value: an editor that fits the type, a question with the old and the new value, and what became of it.

import { html, useRef, useState } from "../vendor/preact.js";
import { bulk } from "../lib/api.js";
import { editorOf, read, textOf } from "../lib/editing.js";
import { whyNotWritable } from "../lib/filters.js";
import { short } from "../lib/format.js";
import { stringify } from "../lib/exact.js";
import * as model from "../lib/model.js";
import * as session from "../lib/session.js";

const PATIENCE_MS = 60_000; // the bridge waits for the broker, and for the value to come back

export function Writing({ object, type, now }) {
  const [isOpen, setIsOpen] = useState(false);
  const [outcome, setOutcome] = useState(null);
  const topic = object.metadata.system?.topic ?? object.elementId;
  if (topic.startsWith("$bridge/") || model.kindOf(object) === "folder" || !now || now.error) return null;
  const whyNot = object.isComposition ? whyNoWriting() : whyNotWritable(session.me.value, topic);
  return html`
    <section class="panel" aria-label="Write">
      <header><h2>Write</h2>
        ${!whyNot && html`<button aria-expanded=${isOpen} onClick=${() => setIsOpen(!isOpen)}>${isOpen ? "Close" : "Write a value…"}</button>`}
      </header>
      ${whyNot && html`<p class="muted">${whyNot}</p>`}
      ${isOpen && !whyNot && html`<${Editor} object=${object} schema=${type?.schema} now=${now} told=${setOutcome} />`}
      ${outcome && html`<p role="status" class=${outcome.error ? "error" : "good"}>${outcome.error ? outcome.error.message : outcome.text}</p>`}
    </section>`;
}

/** Parts of a machine have topics of their own; each is judged by the bridge. */
function whyNoWriting() {
  return session.me.value?.writes?.enabled ? "" : whyNotWritable(session.me.value, "");
}

function Editor({ object, schema, now, told }) {
  const editor = editorOf(schema, now.value);
  const [text, setText] = useState(() => textOf(editor, now.value));
  const [problem, setProblem] = useState("");
  const [asked, setAsked] = useState(null);
  const [isWriting, setIsWriting] = useState(false);
  const submit = (event) => {
    event.preventDefault();
    const found = read(editor, text, schema ?? {});
    setProblem(found.problem ?? "");
    if (!found.problem) setAsked({ before: now.value, after: found.value });
  };
  const write = async () => {
    const { after } = asked;
    setAsked(null);
    setIsWriting(true);
    told({ text: "Writing…" });
    told(await written(object.elementId, after));
    setIsWriting(false);
  };
  const unit = model.unitOf(object);
  return html`
    <form class="editor" onSubmit=${submit}>
      <label>New value${unit && ` in ${unit}`}
        <${Field} editor=${editor} schema=${schema} text=${text} setText=${setText} problem=${problem} /></label>
      ${problem && html`<p class="error" id="problem" role="alert">The value ${problem}.</p>`}
      <button class="main" disabled=${isWriting}>${isWriting ? "Writing…" : "Write…"}</button>
    </form>
    ${asked && html`<${Confirmation} object=${object} asked=${asked} unit=${unit} confirm=${write} cancel=${() => setAsked(null)} />`}`;
}

function Field({ editor, schema, text, setText, problem }) {
  const common = {
    value: text,
    name: "value",
    onInput: (event) => setText(event.target.value),
    "aria-invalid": Boolean(problem),
    "aria-describedby": problem ? "problem" : undefined,
  };
  if (editor === "boolean" || editor === "choice") {
    const choices = editor === "boolean" ? [true, false] : schema.enum;
    return html`<select ...${common}><option value="">–</option>
      ${choices.map((choice) => html`<option value=${String(choice)}>${String(choice)}</option>`)}</select>`;
  }
  if (editor === "json") return html`<textarea ...${common} rows=${Math.min(20, text.split("\n").length + 1)} spellcheck=${false}></textarea>`;
  const mode = editor === "string" ? "text" : "decimal";
  return html`<input ...${common} inputmode=${mode} autocomplete="off" spellcheck=${false} />`;
}

function Confirmation({ object, asked, unit, confirm, cancel }) {
  const opened = useRef(false);
  const open = (dialog) => {
    if (dialog && !opened.current) {
      opened.current = true;
      dialog.showModal();
    }
  };
  const shut = (then) => (event) => {
    event.currentTarget.closest("dialog").close(); // the focus goes back to where it was
    then();
  };
  return html`
    <dialog ref=${open} onClose=${cancel} aria-labelledby="write-title">
      <h2 id="write-title">Write ${object.displayName}?</h2>
      <p class="muted mono">${object.elementId}</p>
      <dl class="facts"><dt>Now</dt><dd>${told(asked.before, unit)}</dd><dt>New</dt><dd><b>${told(asked.after, unit)}</b></dd></dl>
      <p>It is published to the broker; whatever listens there may act on it.</p>
      <div class="row"><button class="main" onClick=${shut(confirm)}>Write it</button><button onClick=${shut(cancel)}>Cancel</button></div>
    </dialog>`;
}

function told(value, unit) {
  const isDocument = value !== null && typeof value === "object";
  return isDocument ? html`<pre class="raw">${stringify(value, 2)}</pre>` : `${short(value)} ${unit}`;
}

async function written(id, value) {
  try {
    const body = { updates: [{ elementId: id, value: { value } }] };
    const [{ error }] = await bulk("v1/objects/value", body, { method: "PUT", patience: PATIENCE_MS });
    return error ? { error } : { text: "Written: the broker took it, and the value came back." };
  } catch (error) {
    return { error };
  }
}
