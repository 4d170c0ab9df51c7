// Writing a value: an editor that fits the type, a question with the old and the new value, and what became of it.

import { html, useEffect, useState } from "../vendor/preact.js";
import { bulk } from "../lib/api.js";
import { picked, planned } from "../lib/changes.js";
import * as editing from "../lib/editing.js";
import { schemaAt } from "../lib/fields.js";
import { whyNotWritable } from "../lib/filters.js";
import { useAnswer, useModel } from "../lib/hooks.js";
import * as model from "../lib/model.js";
import * as session from "../lib/session.js";
import { isComposed, unitsOf } from "../lib/units.js";
import { Confirmation } from "./confirmation.js";
import { Failure } from "./parts.js";

const PATIENCE_MS = 60_000; // the bridge waits for the broker, and for the value to come back
const LOOK_MS = 5_000; // whether what is known of somebody's rights is old

export function Writing({ object, type, now }) {
  const [isOpen, setIsOpen] = useState(false);
  const [outcome, setOutcome] = useState(null);
  useRights(object.elementId);
  const schema = useSchema(object, type);
  const topic = object.metadata.system?.topic ?? object.elementId;
  if (topic.startsWith("$bridge/") || model.kindOf(object) === "folder" || !now || now.error) return null;
  const isOfParts = isComposed(object, now.value);
  const whyNot = isOfParts ? whyNoWriting() : whyNotWritable(session.me.value, topic);
  const form = { object, schema, now, told: setOutcome };
  return html`
    <section class="panel" aria-label="Write">
      <header><h2>Write</h2>
        ${!whyNot && html`<button aria-expanded=${isOpen} onClick=${() => setIsOpen(!isOpen)}>
          ${isOpen ? "Close" : "Write a value…"}</button>`}
      </header>
      ${whyNot && html`<p class="muted">${whyNot}</p>`}
      ${isOpen && !whyNot && html`<${isOfParts ? PartsEditor : Editor} ...${form} />`}
      ${outcome && html`<p role="status" class=${outcome.error ? "error" : "good"}>
        ${outcome.error ? outcome.error.message : outcome.text}</p>`}
    </section>`;
}

/** What somebody may do is looked at again when an element is opened, and while it is shown. */
function useRights(id) {
  useEffect(() => {
    session.refresh(LOOK_MS);
    const timer = setInterval(() => session.refresh(), LOOK_MS);
    return () => clearInterval(timer);
  }, [id]);
}

/** What values may be: of a field, the type of its document may allow more kinds than the field's own does. */
function useSchema(object, type) {
  const id = object.elementId;
  const path = object.metadata.system?.path;
  const { data: owner } = useModel(async () => (path ? model.describe(id.slice(0, id.indexOf("#"))) : null), [id]);
  const own = type?.schema;
  return owner ? editing.widened(own, schemaAt(model.types.value.get(owner.typeElementId)?.schema, path)) : own;
}

/** Parts of a machine have topics of their own: `PartsEditor` looks at each. */
function whyNoWriting() {
  return session.me.value?.writes?.enabled ? "" : whyNotWritable(session.me.value, "");
}

/** Of what is composed those parts are edited that may be written. */
function PartsEditor(props) {
  const { data: units, error } = useAnswer(() => unitsOf(props.object), [props.object.elementId]);
  if (error) return html`<${Failure} error=${error} what="Its parts" />`;
  if (!units) return html`<p class="muted">Loading its parts…</p>`;
  const reasons = units.map(({ topic }) => whyNotWritable(session.me.value, topic));
  const writable = units.filter((_, index) => !reasons[index]).map(({ path }) => path);
  if (writable.length === 0) return html`<p class="muted">None of its parts may be written. ${reasons[0]}</p>`;
  return html`<${Editor} ...${props} units=${units.map(({ path }) => path)} writable=${writable} />
    ${writable.length < units.length && html`<p class="muted">Left out are parts that may not be written.</p>`}`;
}

function Editor({ object, schema, now, units = null, writable, told }) {
  const present = now.value;
  const [draft, setDraft] = useDraft(schema, present, writable);
  const [problem, setProblem] = useState("");
  const [asked, setAsked] = useState(null);
  const [isWriting, setIsWriting] = useState(false);
  const change = (more) => setDraft({ ...draft, ...more, isTouched: true, isAnew: false });
  const submit = (event) => {
    event.preventDefault();
    const text = editing.withBreaksOf(draft.base, draft.text);
    const found = editing.read(draft.kind || draft.editor, text, schema ?? {}, present);
    const first = found.problem ? found : planned(draft.base, found.value, present, units);
    setProblem(first.problem ?? "");
    if (!first.problem) setAsked({ edited: found.value, first });
  };
  const plan = asked && planned(draft.base, asked.edited, present, units);
  const write = async () => {
    setAsked(null);
    setIsWriting(true);
    told({ text: "Writing…" });
    const outcome = await written(object.elementId, plan.value);
    told(outcome);
    if (!outcome.error) setDraft((one) => ({ ...one, base: asked.edited }));
    setIsWriting(false);
  };
  const unit = model.unitOf(object);
  return html`
    <form class="editor" onSubmit=${submit}>
      <label>New value${unit && ` in ${unit}`}
        <${Field} draft=${draft} schema=${schema} setText=${(text) => change({ text })} problem=${problem} /></label>
      ${draft.editor === "any" && html`
        <${Kinds} schema=${schema} kind=${draft.kind} setKind=${(kind) => change({ kind })} />`}
      ${draft.isAnew && html`<p role="status">The value has become one of another kind: what was typed is gone.</p>`}
      ${problem && html`<p class="error" id="problem" role="alert">${editing.sentence(problem)}</p>`}
      <button class="main" disabled=${isWriting}>${isWriting ? "Writing…" : "Write…"}</button>
    </form>
    ${asked && html`<${Confirmation} object=${object} plan=${plan} first=${asked.first} present=${present}
      unit=${unit} named=${draft.editor === "any"} confirm=${write} cancel=${() => setAsked(null)} />`}`;
}

/**
 * What is typed, and the value with which that began: `{editor, kind, text, base, isTouched, isAnew}`. It begins anew
 * when another kind of field is asked for.
 */
function useDraft(schema, present, writable) {
  const editor = editing.editorOf(schema, present);
  const begun = (text) => {
    const base = writable ? picked(present, writable) : present;
    return { editor, kind: "", text: text ?? editing.textOf(editor, base), base, isTouched: false, isAnew: false };
  };
  const [draft, setDraft] = useState(() => begun());
  if (draft.editor === editor) return [draft, setDraft];
  const { isTouched } = draft;
  const text = isTouched ? editing.textAfter(editor, draft.editor, draft.text, { schema, value: present }) : undefined;
  const isKept = isTouched && text === draft.text;
  const next = isKept ? { ...draft, editor } : { ...begun(text), isAnew: isTouched };
  setDraft(next);
  return [next, setDraft];
}

function Field({ draft, schema, setText, problem }) {
  const { text } = draft;
  const editor = draft.kind || draft.editor;
  const isText = editor === "string" || editor === "any";
  const isLong = [editing.textOf(editor, draft.base), text].some(editing.needsLines);
  const isOfLines = editor === "json" || (isText && isLong);
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
  if (isOfLines) {
    const rows = Math.min(20, text.split("\n").length + 1);
    return html`<textarea ...${common} rows=${rows} spellcheck=${false}></textarea>`;
  }
  return html`<input ...${common} inputmode=${isText ? "text" : "decimal"} autocomplete="off" spellcheck=${false}
    onPaste=${isText ? (event) => pasteLines(event, setText) : undefined} />`;
}

/** A field of one line would drop line breaks without a word: it becomes one of several. */
function pasteLines(event, setText) {
  const pasted = event.clipboardData.getData("text");
  if (!/[\r\n]/.test(pasted)) return;
  event.preventDefault();
  const { value, selectionStart, selectionEnd } = event.target;
  setText(value.slice(0, selectionStart) + pasted + value.slice(selectionEnd));
}

const KINDS = {
  number: "a number",
  integer: "a number",
  string: "a text",
  boolean: "true or false",
  json: "JSON",
};

/** Where a type allows several kinds of value. */
function Kinds({ schema, kind, setKind }) {
  return html`<label>Read as
    <select value=${kind} onChange=${(event) => setKind(event.target.value)}>
      <option value="">what it fits</option>
      ${editing.kindsOf(schema).map((one) => html`<option value=${one}>${KINDS[one]}</option>`)}</select></label>`;
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
