// Requests to the bridge that served this page. All paths are relative, so that it works below a proxy's prefix.

import { parse, stringify } from "./exact.js";

const TIMEOUT_MS = 30_000;

/** A refusal, or no answer at all (status 0). `detail` is for people. */
export class ApiError extends Error {
  constructor(status, title, detail, more = {}) {
    super(detail || title);
    this.status = status;
    this.title = title;
    this.detail = detail;
    this.retryAfter = more.retryAfter ?? null;
    this.requestId = more.requestId ?? null;
  }
}

/** How far the server's clock is ahead of this one, in milliseconds; 0 where that is less than the header tells. */
export let clockAhead = 0;

let authorization = null;
let onUnauthorized = () => {};
let onEnded = async () => false;
let refused = null; // credentials

/**
 * What is sent with each request, and who hears that it is not good any more. `ended`, if there is one, is asked first,
 * with what was sent: whether there is something better now, with which the request is made again.
 */
export function identify(header, unauthorized, ended = async () => false) {
  authorization = header;
  onUnauthorized = unauthorized;
  onEnded = ended;
}

/** Now by the server's clock, in milliseconds. */
export function now() {
  return Date.now() + clockAhead;
}

/**
 * The response of one request, its status checked. Raises `ApiError`. What was refused is not sent again before whoever
 * may have something better was asked: the bridge counts what is wrong.
 */
export async function send(method, path, body, options = {}) {
  if (authorization && authorization === refused) await onEnded(refused);
  for (let isFirst = true; ; isFirst = false) {
    const used = authorization;
    try {
      return await once(method, path, body, options);
    } catch (error) {
      if (error.status !== 401) throw error;
      refused = used;
      if (isFirst && used && (await onEnded(used))) continue;
      if (used === authorization) onUnauthorized(error); // nobody else has signed in meanwhile
      throw error;
    }
  }
}

async function once(method, path, body, { signal, headers = {}, keepalive = false, patience = TIMEOUT_MS }) {
  const all = { ...headers };
  if (authorization) all.Authorization = authorization;
  if (body !== undefined) all["Content-Type"] = "application/json";
  const limit = patience ? AbortSignal.timeout(patience) : null;
  const signals = [signal, limit].filter(Boolean);
  let answer;
  try {
    answer = await fetch(path, {
      method,
      headers: all,
      body: body === undefined ? undefined : stringify(body),
      credentials: "omit", // else browsers show a dialogue of their own on 401
      cache: "no-store",
      keepalive,
      signal: signals.length ? AbortSignal.any(signals) : undefined,
    });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new ApiError(0, "No answer", limit?.aborted ? "the bridge does not answer" : "the bridge cannot be reached");
  }
  keepTime(answer);
  if (!answer.ok && answer.status !== 304) throw await refusal(answer);
  return answer;
}

/** The JSON of one request. Raises `ApiError`. */
export async function ask(method, path, body, options) {
  const answer = await send(method, path, body, options);
  try {
    return parse(await answer.text());
  } catch (error) {
    if (options?.signal?.aborted) throw error;
    throw new ApiError(0, "No answer", "the bridge's answer broke off");
  }
}

/** The `result` of one GET of the standard. */
export async function get(path, options) {
  return (await ask("GET", path, undefined, options)).result;
}

/**
 * One bulk question: an array of `{id, result}` and `{id, error: ApiError}`, in the order asked. `partial` of the array
 * tells what a 206 left out.
 */
export async function bulk(path, body, options = {}) {
  const answer = await ask(options.method ?? "POST", path, body, options);
  const items = answer.results.map((item) => {
    const id = item.elementId ?? item.subscriptionId;
    return item.success ? { id, result: item.result } : { id, error: itemError(item) };
  });
  items.partial = answer.responseDetail?.status === 206 ? answer.responseDetail.detail : null;
  return items;
}

function itemError({ responseDetail: said = {} }) {
  return new ApiError(said.status ?? 500, said.title ?? "Failed", said.detail ?? "it failed without a reason");
}

async function refusal(answer) {
  let said = {};
  try {
    said = (await answer.json()).responseDetail ?? {};
  } catch {
    // not ours, a proxy's perhaps: its status says enough
  }
  return new ApiError(answer.status, said.title ?? `Status ${answer.status}`, said.detail ?? answer.statusText, {
    retryAfter: Number(answer.headers.get("Retry-After")) || null,
    requestId: answer.headers.get("X-Request-ID"),
  });
}

function keepTime(answer) {
  const date = Date.parse(answer.headers.get("Date") ?? "");
  if (Number.isNaN(date)) return;
  const ahead = date + 500 - Date.now();
  clockAhead = Math.abs(ahead) < 2_000 ? 0 : ahead;
}
