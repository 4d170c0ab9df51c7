// Who asks: a token or an API key, or name and password, as the server's configuration has them.

import { html, useState } from "../vendor/preact.js";
import * as session from "../lib/session.js";

export function SignIn() {
  const [way, setWay] = useState("token");
  const [isAsking, setIsAsking] = useState(false);
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
        ${session.reason.value && html`<p class="error" role="alert">${session.reason}</p>`}
        <button class="main" disabled=${isAsking}>${isAsking ? "Asking…" : "Sign in"}</button>
        <p class="muted">Whoever runs the bridge makes tokens: <code>bridge token new NAME --read "#"</code></p>
      </form>
    </div></section>`;
}
