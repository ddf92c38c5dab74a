// The latest uploads, as they come in.

import { h } from "./dom.js";
import { ago, bytes, formatName } from "./format.js";
import { format } from "./route.js";

const SHOWN = 12;

export function latestPanel({ api, live, thumbs }) {
  const list = h("ol", { class: "latest" });
  const empty = h("p", { class: "muted", hidden: true }, "Nothing has been sent yet. ", h("a", { href: "#/links" }, "Make a link"), " and give it away.");
  const over = new AbortController();
  const frames = new Map(); // item → frame

  live.addEventListener("upload", (event) => add({ ...event.detail, at: Date.now() }), { signal: over.signal });
  const clock = setInterval(() => list.querySelectorAll("time").forEach(tell), 30_000);
  first();

  // first fills the list with what is stored already, behind what came since.
  async function first() {
    try {
      const { images } = await api.get(`/v1/images?limit=${SHOWN}`, { signal: over.signal });
      const there = new Set([...list.children].map((item) => item.dataset.id));
      for (const image of images.filter(({ id }) => !there.has(id))) {
        list.append(entry({ ...image, status: "stored", filename: image.camera.name ?? "", at: image.uploaded_at }));
      }
      trim();
    } catch {
      // The figures beside say what is wrong with the service.
    }
  }

  function add(upload) {
    list.prepend(entry(upload));
    trim();
  }

  function trim() {
    empty.hidden = list.children.length > 0;
    while (list.children.length > SHOWN) {
      thumbs.hide(frames.get(list.lastChild));
      frames.delete(list.lastChild);
      list.lastChild.remove();
    }
  }

  function entry({ id, status, filename, label, format: form, bytes: size, at }) {
    const frame = h("span", { class: "thumb" }, h("img", { alt: "" }));
    const when = h("time", { datetime: new Date(at).toISOString() });
    tell(when);
    const item = h("li", { "data-id": id }, h("a", { href: format({ view: "gallery", picture: id }) }, frame,
      h("span", { class: "what" },
        h("span", { class: "name" }, filename || "Picture"),
        h("span", { class: "muted small" }, `${formatName(form)}, ${bytes(size)}`, label ? `, ${label}` : "")),
      h("span", { class: "when" },
        h("span", { class: `chip ${status}` }, status === "stored" ? "stored" : "already there"),
        h("span", { class: "muted small" }, when))));
    frames.set(item, frame);
    thumbs.show(frame, id);
    return item;
  }

  return {
    element: h("section", { class: "panel card newest", "aria-labelledby": "latest" },
      h("header", {}, h("h2", { id: "latest" }, "Latest uploads")), empty, list),
    close() {
      over.abort();
      clearInterval(clock);
      for (const frame of frames.values()) thumbs.hide(frame);
    },
  };
}

function tell(time) {
  time.textContent = ago(time.dateTime);
}
