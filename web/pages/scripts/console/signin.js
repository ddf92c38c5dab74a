// The sign-in form.

import { h } from "./dom.js";

// signIn shows the form until the API accepts a token, which begins the session.
export function signIn(root, { api, session, reason }) {
  const token = h("input", {
    id: "token", name: "token", type: "password", required: true, autocomplete: "current-password", spellcheck: "false",
    autocapitalize: "off", "aria-describedby": "token-help token-error",
  });
  const error = h("p", { id: "token-error", class: "bad", role: "alert" }, reason);
  const button = h("button", { class: "primary wide" }, "Sign in");

  const form = h("form", { class: "signin card", onsubmit: submit },
    h("img", { class: "logo", src: new URL("icon.svg", import.meta.url).href, alt: "", width: 48, height: 48 }),
    h("h1", {}, "Inlet"),
    h("p", { class: "muted" }, "The operator’s console"),
    h("label", { for: "token" }, "Operator’s token"), token,
    h("p", { id: "token-help", class: "muted small" },
      "The value of INLET_ADMIN_TOKEN, or the one that Inlet printed at its first start and stored in ", h("code", {}, "operator-token"),
      " in the data folder. This tab remembers it until you close the tab."),
    error, button);

  root.replaceChildren(h("main", { class: "entrance" }, form));
  token.focus();

  async function submit(event) {
    event.preventDefault();
    const given = token.value.trim();
    button.disabled = true;
    error.textContent = "";

    try {
      if (await api.accepts(given)) return session.begin(given);
      error.textContent = "That is not the operator’s token.";
    } catch (problem) {
      error.textContent = problem.message;
    } finally {
      button.disabled = false;
    }
    token.select();
    token.focus();
  }
}
