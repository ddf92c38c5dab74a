// The console: signs the operator in, then shows the view that the address's
// fragment names.

import { API } from "./api.js";
import { gallery } from "./gallery.js";
import { jobs } from "./jobs.js";
import { labelling } from "./labelling.js";
import { links } from "./links.js";
import { Live } from "./live.js";
import { models } from "./models.js";
import { overview } from "./overview.js";
import { parse } from "./route.js";
import { Session } from "./session.js";
import { shell } from "./shell.js";
import { signIn } from "./signin.js";
import { Thumbs } from "./thumbs.js";

const views = { overview, gallery, label: labelling, models, links, jobs };
const root = document.getElementById("console");
const session = new Session();
const api = new API(session);

let close = () => {};

session.addEventListener("begin", open);
session.addEventListener("end", (event) => {
  close();
  signIn(root, { api, session, reason: event.detail });
});
if (session.token) open();
else signIn(root, { api, session });

// open shows the views until the session ends.
function open() {
  const live = new Live(api);
  const thumbs = new Thumbs(api);
  const frame = shell(root, { live, session });
  const over = new AbortController();
  let current = null; // the open view, with its name

  function go() {
    const route = parse(location.hash);
    frame.at(route.view);
    if (current?.name === route.view) {
      current.update?.(route);
      return;
    }
    const first = current === null;
    current?.close();
    frame.main.className = route.view;
    current = { name: route.view, ...views[route.view](frame.main, { api, live, thumbs, route, first }) };
    if (!first) {
      scrollTo(0, 0);
      frame.main.focus({ preventScroll: true });
    }
  }

  addEventListener("hashchange", go, { signal: over.signal });
  close = () => {
    over.abort();
    document.querySelectorAll("dialog").forEach((dialog) => dialog.close());
    current.close();
    frame.close();
    live.stop();
    thumbs.clear();
  };
  go();
  live.start();
}
