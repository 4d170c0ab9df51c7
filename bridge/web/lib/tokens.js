// What a provider's token says of itself. It is read to explain and to plan; whether it is good is the bridge's to say.

const SOONEST_MS = 1_000; // of a token that ends at once, or has ended by our clock: its provider is not flooded

/** The claims of a JWT, null for any other token. */
export function claims(token) {
  const parts = token.split(".");
  if (parts.length !== 3) return null;
  try {
    const text = atob(parts[1].replaceAll("-", "+").replaceAll("_", "/"));
    const found = JSON.parse(new TextDecoder().decode(Uint8Array.from(text, (char) => char.charCodeAt(0))));
    return typeof found === "object" && found !== null ? found : null;
  } catch {
    return null;
  }
}

/** How many milliseconds of a token's `life` (seconds) go by until it is renewed: three quarters, or all but 60 s. */
export function renewAfter(life) {
  return Math.min(Math.max(life * 0.75 * 1_000, (life - 60) * 1_000, SOONEST_MS), 2 ** 31 - 1);
}

/** Why the bridge may not take the token of a provider who is called `name`, for whoever runs it. */
export function notTaken(token, name) {
  const found = claims(token);
  const said = found
    ? `it is for the audience ${listed(found.aud)}, from the issuer ${listed(found.iss)}: [oidc] audience and issuer ` +
      "have to fit"
    : "it is no JWT: most providers give one only for an API of its own, which [oidc] scopes has to name";
  return (
    `${name} knows you, but the bridge does not take its token. For whoever runs the bridge: ${said}; ` +
    'its log tells the reason ("token refused").'
  );
}

function listed(claim) {
  const all = [claim].flat().filter((one) => typeof one === "string");
  return all.length ? all.map((one) => `"${one}"`).join(", ") : "nobody";
}
