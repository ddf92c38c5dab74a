// The frame around the views: navigation, the feed's state, signing out.

import { h, icon } from "./dom.js";
import { format } from "./route.js";

const views = [
  ["overview", "Overview"], ["gallery", "Gallery"], ["label", "Label"], ["models", "Models"], ["links", "Links"], ["jobs", "Jobs"],
];
const states = { connecting: "Connecting", live: "Live", waiting: "Reconnecting" };

export function shell(root, { live, session }) {
  const anchors = views.map(([view, name]) => [view, h("a", { href: format({ view }) }, icon(view), h("span", {}, name))]);
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
    h("div", { id: "notice", role: "status", class: "toast" }));

  function skip(event) {
    event.preventDefault(); // the fragment holds the route
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
    // at marks the current view.
    at(view) {
      for (const [name, anchor] of anchors) anchor.ariaCurrent = name === view ? "page" : null;
      document.title = `${views.find(([name]) => name === view)[1]} · Inlet`;
    },
    close: () => live.removeEventListener("state", showState),
  };
}
