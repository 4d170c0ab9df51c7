// JSON whose numbers stay what they are: an integer that a double cannot hold becomes a BigInt, and goes out as it came.

const LONG = /\d{16}/;

/** As `JSON.parse`; integers beyond 2^53 are BigInts where the browser tells their text. */
export function parse(text) {
  return LONG.test(text) ? JSON.parse(text, exactly) : JSON.parse(text);
}

function exactly(_key, value, context) {
  const isRounded = typeof value === "number" && Number.isInteger(value) && !Number.isSafeInteger(value);
  const source = context?.source;
  return isRounded && source && /^-?\d+$/.test(source) ? BigInt(source) : value;
}

/** As `JSON.stringify`, BigInts included. */
export function stringify(value, indent) {
  return JSON.stringify(value, (_key, part) => (typeof part === "bigint" ? raw(part) : part), indent);
}

function raw(part) {
  return JSON.rawJSON ? JSON.rawJSON(String(part)) : String(part);
}
