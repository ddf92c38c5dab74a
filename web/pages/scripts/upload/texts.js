// Texts, numbers, sizes and times in one language.

/**
 * @typedef {{one?: string, other: string}} Wording
 * @typedef {ReturnType<typeof speak>} Speech
 */

/**
 * Makes what says things. {name} in a text stands for an argument; the one named
 * count decides between singular and plural.
 *
 * @param {string} lang with its region where that is known: it decides about dates
 * @param {Record<string, Wording>} texts
 */
export function speak(lang, texts) {
  const plural = new Intl.PluralRules(lang);
  const whole = new Intl.NumberFormat(lang);
  const share = new Intl.NumberFormat(lang, { style: "percent", maximumFractionDigits: 0 });
  const oneDigit = new Intl.NumberFormat(lang, { maximumFractionDigits: 1 });
  const moment = new Intl.DateTimeFormat(lang, { dateStyle: "medium", timeStyle: "short" });

  /** @param {string} key */
  function say(key, args = {}) {
    const wording = texts[key];
    if (!wording) return key;
    const single = wording.one && plural.select(args.count) === "one";
    return (single ? wording.one : wording.other).replace(/\{(\w+)\}/g, (placeholder, name) => {
      const value = args[name];
      return value === undefined ? placeholder : typeof value === "number" ? whole.format(value) : value;
    });
  }

  /** Bytes as people write them: 3.4 MB is 3,400,000 bytes. */
  function size(bytes) {
    const units = ["B", "kB", "MB", "GB", "TB"];
    let unit = 0;
    for (; bytes >= 1000 && unit < units.length - 1; unit++) bytes /= 1000;
    return `${(bytes < 10 ? oneDigit : whole).format(bytes < 10 ? bytes : Math.round(bytes))}\u00a0${units[unit]}`;
  }

  /** A length of time in its largest unit, rounded down. */
  function span(ms) {
    const seconds = Math.max(0, Math.floor(ms / 1000));
    for (const [unit, length] of [["days", 86400], ["hours", 3600], ["minutes", 60]]) {
      if (seconds >= 2 * length) return say(`time.${unit}`, { count: Math.floor(seconds / length) });
    }
    return say("time.seconds", { count: seconds });
  }

  return {
    say, size, span,
    has: (key) => key in texts,
    percent: (part) => share.format(part),
    date: (time) => moment.format(time),
  };
}
