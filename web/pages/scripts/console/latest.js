// The latest uploads, live.

import { h } from "./dom.js";
import { ago, bytes, formatName } from "./format.js";
import { format } from "./route.js";

const SHOWN = 12;

export function latestPanel({ api, live, thumbs }) {
  const list = h("ol", { class: "latest" });
  const empty = h("p", { class: "muted", hidden: true }, "There are no uploads yet. ", h("a", { href: "#/links" }, "Make a link"), " and send it to people.");
  const over = new AbortController();
  const frames = new Map(); // item → frame

  live.addEventListener("upload", (event) => add({ ...event.detail, at: Date.now() }), { signal: over.signal });
  const clock = setInterval(() => list.querySelectorAll("time").forEach(tell), 30_000);
  first();

  // first appends the pictures that were stored before the feed began.
  async function first() {
    try {
      const { images } = await api.get(`/v1/images?limit=${SHOWN}`, { signal: over.signal });
      const listed = new Set([...list.children].map((item) => item.dataset.id));
      for (const image of images.filter(({ id }) => !listed.has(id))) {
        list.append(entry({ ...image, status: "stored", filename: image.camera.name ?? "", at: image.uploaded_at }));
      }
      trim();
    } catch {
      // The overview reports that the service cannot be reached.
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
        h("span", { class: `chip ${status}` }, status),
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
