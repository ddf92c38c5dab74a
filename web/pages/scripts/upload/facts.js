// What is said of the link at the top of the page: how long it is open, and how
// much it takes.

/**
 * Keeps the facts true.
 *
 * @param {import("./link.js").Link} link
 * @param {import("./texts.js").Speech} speech
 * @param {() => void} expired called once, when the time is over
 */
export function showFacts(link, speech, expired) {
  const part = (id) => document.getElementById(id);
  part("until").textContent = speech.date(Date.parse(link.state.expires_at));

  const limits = () => {
    const { files_left: files, bytes_left: bytes } = link.state;
    const known = (value) => value !== null && value !== undefined;
    part("files-left").hidden = !known(files);
    part("bytes-left").hidden = !known(bytes);
    if (known(files)) part("files-left").textContent = speech.say("facts.filesLeft", { count: files });
    if (known(bytes)) part("bytes-left").textContent = speech.say("facts.bytesLeft", { size: speech.size(bytes) });
  };
  link.changed = limits;

  const clock = () => {
    const { open } = link;
    part("open").textContent = speech.say("facts.open", { time: speech.span(open) });
    if (open <= 0) return expired();
    setTimeout(clock, open > 3 * 3600e3 ? 60e3 : Math.min(1000, open + 50));
  };
  clock();
}
