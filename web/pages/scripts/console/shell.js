// The frame around the views: where one can go, whether the feed lives, the way
// out.

import { h, icon } from "./dom.js";
import { format } from "./route.js";

const places = [["overview", "Overview"], ["gallery", "Gallery"], ["links", "Links"]];
const states = { connecting: "Connecting", live: "Live", waiting: "Reconnecting" };

export function shell(root, { live, session }) {
  const anchors = places.map(([view, name]) => [view, h("a", { href: format({ view }) }, icon(view), h("span", {}, name))]);
  const state = h("span", {});
  const feed = h("p", { class: "feed-state", role: "status", title: "The feed of live events" }, h("span", { class: "dot" }), state);
  const main = h("main", { id: "main", tabindex: -1 });
  root.replaceChildren(
    h("a", { class: "skip", href: "#main", onclick: skip }, "Skip to the content"),
    h("header", { class: "bar" },
      h("a", { class: "brand", href: "#/", "aria-label": "Inlet" },
        h("img", { src: new URL("icon.svg", import.meta.url).href, alt: "", width: 28, height: 28 }), h("span", {}, "Inlet")),
      h("nav", { "aria-label": "Console" }, anchors.map(([, anchor]) => anchor)),
      feed,
      h("button", { type: "button", class: "quiet signout", onclick: () => session.end() }, icon("out"), h("span", {}, "Sign out"))),
    main,
    h("div", { id: "said", role: "status", class: "said" }));

  function skip(event) {
    event.preventDefault(); // the fragment says where we are
    main.focus();
  }
  function showState() {
    feed.dataset.state = live.state;
    state.textContent = states[live.state];
  }
  live.addEventListener("state", showState);
  showState();

  return {
    main,
    // at marks where we are.
    at(view) {
      for (const [name, anchor] of anchors) {
        if (name === view) anchor.setAttribute("aria-current", "page");
        else anchor.removeAttribute("aria-current");
      }
      document.title = `${places.find(([name]) => name === view)[1]} · Inlet`;
    },
    close: () => live.removeEventListener("state", showState),
  };
}
