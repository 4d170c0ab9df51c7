// Documents as rows. Pure.

/** JSON pointer's escapes (RFC 6901). */
export function pointer(path) {
  return path.map((part) => `/${String(part).replaceAll("~", "~0").replaceAll("/", "~1")}`).join("");
}

/**
 * The fields of a value, depth first: `{path, name, level, value, isBranch, key}`. At most `most`; lists of plain values
 * are one row, lists of documents open up.
 */
export function fieldsOf(value, most = 500) {
  const rows = [];
  const walk = (part, path) => {
    const entries = Array.isArray(part) ? part.map((one, index) => [index, one]) : Object.entries(part);
    for (const [name, inner] of entries) {
      if (rows.length >= most) return;
      const here = [...path, name];
      const isBranch = isOpenable(inner);
      rows.push({ path: here, name: String(name), level: path.length, value: inner, isBranch, key: pointer(here) });
      if (isBranch) walk(inner, here);
    }
  };
  if (isOpenable(value)) walk(value, []);
  return rows;
}

/** Whether a value has fields. */
export function isDocument(value) {
  return value !== null && typeof value === "object" && !Array.isArray(value);
}

function isOpenable(value) {
  if (value === null || typeof value !== "object") return false;
  if (Array.isArray(value)) return value.some((one) => one !== null && typeof one === "object");
  return Object.keys(value).length > 0;
}

/** The schema of one field, where the type declares it. */
export function schemaAt(schema, path) {
  let found = schema;
  for (const part of path) found = found?.properties?.[part] ?? found?.items ?? found?.additionalProperties;
  return found && typeof found === "object" ? found : null;
}
