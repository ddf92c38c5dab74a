// Texts, numbers, sizes and times in one language, as the service writes them.

/**
 * @typedef {{one?: string, other: string}} Wording
 * @typedef {ReturnType<typeof localize>} Locale
 */

/**
 * Returns a language's texts and formats. {name} in a text stands for an argument;
 * the argument count selects singular or plural.
 *
 * @param {string} lang a BCP 47 tag; its region, if any, selects the format of dates
 * @param {Record<string, Wording>} texts
 */
export function localize(lang, texts) {
  const plural = new Intl.PluralRules(lang);
  const whole = new Intl.NumberFormat(lang);
  const share = new Intl.NumberFormat(lang, { style: "percent", maximumFractionDigits: 0 });
  const oneDigit = new Intl.NumberFormat(lang, { maximumFractionDigits: 1 });
  const moment = new Intl.DateTimeFormat(lang, { dateStyle: "medium", timeStyle: "short" });

  /** @param {string} key */
  function text(key, args = {}) {
    const wording = texts[key];
    if (!wording) return key;
    const single = wording.one && plural.select(args.count) === "one";
    return (single ? wording.one : wording.other).replace(/\{(\w+)\}/g, (placeholder, name) => {
      const value = args[name];
      return value === undefined ? placeholder : typeof value === "number" ? whole.format(value) : value;
    });
  }

  /** Formats bytes in decimal units: 3.4 MB is 3,400,000 bytes. */
  function size(bytes) {
    const units = ["B", "kB", "MB", "GB", "TB"];
    let unit = 0;
    for (; bytes >= 1000 && unit < units.length - 1; unit++) bytes /= 1000;
    return `${(bytes < 10 ? oneDigit : whole).format(bytes < 10 ? bytes : Math.round(bytes))}\u00a0${units[unit]}`;
  }

  /** Formats a time in ms in its largest unit, rounded down. */
  function span(ms) {
    const seconds = Math.max(0, Math.floor(ms / 1000));
    for (const [unit, length] of [["days", 86400], ["hours", 3600], ["minutes", 60]]) {
      if (seconds >= 2 * length) return text(`time.${unit}`, { count: Math.floor(seconds / length) });
    }
    return text("time.seconds", { count: seconds });
  }

  return {
    text, size, span,
    has: (key) => key in texts,
    percent: (part) => share.format(part),
    date: (time) => moment.format(time),
  };
}
