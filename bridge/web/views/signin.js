// Who asks: at the identity provider, or with a token or an API key, or name and password, as the server's configuration
// has them.

import { html, useEffect, useState } from "../vendor/preact.js";
import * as login from "../lib/login.js";
import * as session from "../lib/session.js";

export function SignIn() {
  const [way, setWay] = useState("token");
  const [isAsking, setIsAsking] = useState(false);
  const provider = useProvider();
  const submit = async (event) => {
    event.preventDefault();
    const form = new FormData(event.target);
    setIsAsking(true);
    await session.signIn(Object.fromEntries(form));
    setIsAsking(false);
  };
  return html`
    <section class="view"><div class="panel sign-in">
      <header><h1>Sign in</h1></header>
      ${session.reason.value && html`<p class="error" role="alert">${session.reason}</p>`}
      ${provider && html`<${There} provider=${provider} />`}
      <div class="row" role="group" aria-label="How to sign in">
        <button aria-pressed=${way === "token"} onClick=${() => setWay("token")}>Token</button>
        <button aria-pressed=${way === "password"} onClick=${() => setWay("password")}>Name and password</button>
      </div>
      <form onSubmit=${submit} key=${way}>
        ${way === "token"
          ? html`<label>Token or API key
              <input name="token" type="password" autocomplete="off" required autofocus spellcheck=${false} /></label>`
          : html`<label>Name <input name="name" autocomplete="username" required autofocus /></label>
              <label>Password <input name="password" type="password" autocomplete="current-password" required /></label>`}
        <button class=${provider ? "" : "main"} disabled=${isAsking}>${isAsking ? "Asking…" : "Sign in"}</button>
        <p class="muted">Whoever runs the bridge makes tokens: <code>bridge token new NAME --read "#"</code></p>
      </form>
    </div></section>`;
}

/** What the bridge says of its identity provider; null where there is none, or before it is known. */
function useProvider() {
  const [provider, setProvider] = useState(null);
  useEffect(() => {
    login.describe().then(setProvider, () => {}); // the other ways are there all the same
  }, []);
  return provider;
}

function There({ provider: { name } }) {
  const [isLeaving, setIsLeaving] = useState(false);
  const left = session.left.value;
  const go = async () => {
    setIsLeaving(true);
    await session.signInThere();
    setIsLeaving(false);
  };
  const hindrance = login.hindrance(name);
  return html`<div class="there">
    ${hindrance
      ? html`<p class="muted">${hindrance}</p>`
      : html`<button class="main" disabled=${isLeaving} onClick=${go}>Sign in with ${name}</button>`}
    ${left?.metadata.end_session_endpoint && html`<p class="muted">
      You have signed out here. <a href=${leaveAddress(left)}>Sign out of ${left.name}, too</a>
    </p>`}
    <p class="or"><span>or</span></p>
  </div>`;
}

/** OpenID Connect RP-Initiated Logout 1.0, section 2: the provider asks whether that is meant. */
function leaveAddress({ clientId, metadata }) {
  const to = new URL(metadata.end_session_endpoint);
  to.searchParams.set("client_id", clientId);
  return to.href;
}
