// Lines to copy that ask for an element from a shell or from Python.

import { stringify } from "./exact.js";

function base() {
  return new URL("v1", document.baseURI).href;
}

/** A line for a POSIX shell. */
export function curl(id) {
  const body = stringify({ elementIds: [id] });
  return `curl ${quoted(`${base()}/objects/value`)}${credentials()} -d ${quoted(body)}`;
}

/** With the public client, `pip install i3x-client`. */
export function python(id) {
  return `import i3x  # pip install i3x-client

with i3x.Client(${JSON.stringify(base())}) as client:
    print(client.get_value(${JSON.stringify(id)}).value)`;
}

/** Secrets stay where they are: the line names a variable. */
function credentials() {
  return sessionStorage.getItem("bridge.credentials") ? ' -H "Authorization: Bearer $TOKEN"' : "";
}

function quoted(text) {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
