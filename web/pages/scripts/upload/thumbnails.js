// Small pictures of the files, made only for rows that are seen, one at a time.

const EDGE = 96; // pixels
const KEPT = 300; // canvases, about 11 MB
const MOST_BYTES = 64 << 20;
const DRAWABLE = /^image\/(?!svg)|^$/;

export class Thumbnails {
  #seen = [];
  #drawn = []; // canvases, the oldest first
  #busy = false;
  #observer = new IntersectionObserver((entries) => this.#noticed(entries), { rootMargin: "100px" });

  /** Draws a file's picture into an element once it comes into view. */
  watch(element, file) {
    const [, ending = ""] = /\.(\w{1,5})$/.exec(file.name) ?? [];
    element.dataset.ending = ending.toUpperCase(); // shown where there is no picture
    if (file.size > MOST_BYTES || !DRAWABLE.test(file.type)) return;
    element.file = file;
    this.#observer.observe(element);
  }

  #noticed(entries) {
    for (const { target, isIntersecting } of entries) {
      if (isIntersecting && !target.firstChild) this.#seen.push(target);
      else if (!isIntersecting) this.#seen = this.#seen.filter((element) => element !== target);
    }
    this.#next();
  }

  async #next() {
    if (this.#busy) return;
    this.#busy = true;
    for (let element; (element = this.#seen.pop()); ) await this.#draw(element);
    this.#busy = false;
  }

  async #draw(element) {
    let bitmap;
    try {
      bitmap = await createImageBitmap(element.file, { resizeWidth: EDGE * 1.5, resizeQuality: "medium" });
    } catch {
      this.#observer.unobserve(element); // a format this browser does not know
      return;
    }
    const canvas = document.createElement("canvas");
    canvas.width = canvas.height = EDGE;
    const edge = Math.min(bitmap.width, bitmap.height);
    canvas.getContext("2d").drawImage(bitmap,
      (bitmap.width - edge) / 2, (bitmap.height - edge) / 2, edge, edge, 0, 0, EDGE, EDGE);
    bitmap.close();
    element.replaceChildren(canvas);
    this.#drawn.push(element);
    if (this.#drawn.length > KEPT) this.#forget(this.#drawn.shift());
  }

  /** It is drawn again when it comes into view again. */
  #forget(element) {
    element.replaceChildren();
    this.#observer.unobserve(element);
    this.#observer.observe(element);
  }
}
