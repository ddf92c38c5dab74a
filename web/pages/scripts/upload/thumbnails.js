// Thumbnails of the files, drawn one at a time and only for rows in view.

const EDGE = 96; // pixels
const MOST_DRAWN = 300; // canvases, about 11 MB
const MOST_BYTES = 64 << 20;
const DRAWABLE = /^image\/(?!svg)|^$/;

export class Thumbnails {
  #visible = []; // elements in view without a thumbnail
  #drawn = []; // elements with one, the oldest first
  #busy = false;
  #observer = new IntersectionObserver((entries) => this.#noticed(entries), { rootMargin: "100px" });

  /** Draws a file's thumbnail into an element once it comes into view. */
  watch(element, file) {
    const [, ending = ""] = /\.(\w{1,5})$/.exec(file.name) ?? [];
    element.dataset.ending = ending.toUpperCase(); // shown where there is no picture
    if (file.size > MOST_BYTES || !DRAWABLE.test(file.type)) return;
    element.file = file;
    this.#observer.observe(element);
  }

  #noticed(entries) {
    for (const { target, isIntersecting } of entries) {
      if (isIntersecting && !target.firstChild) this.#visible.push(target);
      else if (!isIntersecting) this.#visible = this.#visible.filter((element) => element !== target);
    }
    this.#next();
  }

  async #next() {
    if (this.#busy) return;
    this.#busy = true;
    for (let element; (element = this.#visible.pop()); ) await this.#draw(element);
    this.#busy = false;
  }

  async #draw(element) {
    let bitmap;
    try {
      bitmap = await createImageBitmap(element.file, { resizeWidth: EDGE * 1.5, resizeQuality: "medium" });
    } catch {
      this.#observer.unobserve(element); // this browser cannot decode the format
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
    if (this.#drawn.length > MOST_DRAWN) this.#forget(this.#drawn.shift());
  }

  /** Drops a thumbnail. The observer redraws it when it comes into view again. */
  #forget(element) {
    element.replaceChildren();
    this.#observer.unobserve(element);
    this.#observer.observe(element);
  }
}
