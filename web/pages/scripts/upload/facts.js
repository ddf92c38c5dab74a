// The facts at the top of the page: how long the link stays open, and how much it
// still accepts.

/**
 * Shows the facts and keeps them up to date.
 *
 * @param {import("./link.js").Link} link
 * @param {import("./locale.js").Locale} locale
 * @param {() => void} expired called once, when the link expires
 */
export function showFacts(link, locale, expired) {
  const part = (id) => document.getElementById(id);
  part("until").textContent = locale.date(Date.parse(link.state.expires_at));

  const limits = () => {
    const { files_left: files, bytes_left: bytes } = link.state;
    const known = (value) => value !== null && value !== undefined;
    part("files-left").hidden = !known(files);
    part("bytes-left").hidden = !known(bytes);
    if (known(files)) part("files-left").textContent = locale.text("facts.filesLeft", { count: files });
    if (known(bytes)) part("bytes-left").textContent = locale.text("facts.bytesLeft", { size: locale.size(bytes) });
  };
  link.changed = limits;

  const clock = () => {
    const { open } = link;
    part("open").textContent = locale.text("facts.open", { time: locale.span(open) });
    if (open <= 0) return expired();
    setTimeout(clock, open > 3 * 3600e3 ? 60e3 : Math.min(1000, open + 50));
  };
  clock();
}
