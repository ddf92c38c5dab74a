// Formats numbers, sizes and times.

// The language is English; the visitor's region selects the format.
const region = /^en\b/.test(globalThis.navigator?.language ?? "") ? navigator.language : "en";
const counts = new Intl.NumberFormat(region);
const days = new Intl.DateTimeFormat(region, { day: "numeric", month: "short", timeZone: "UTC" });
const fullDays = new Intl.DateTimeFormat(region, { dateStyle: "medium", timeZone: "UTC" });
const moments = new Intl.DateTimeFormat(region, { dateStyle: "medium", timeStyle: "short" });
const minutes = new Intl.DateTimeFormat(region, { hour: "numeric", minute: "2-digit" });
const hours = new Intl.DateTimeFormat(region, { weekday: "short", hour: "numeric", minute: "2-digit" });
const cameraMoments = new Intl.DateTimeFormat(region, { dateStyle: "medium", timeStyle: "medium", timeZone: "UTC" });
const distances = new Intl.RelativeTimeFormat(region, { numeric: "auto" });

export const count = (n) => counts.format(n);

// countOf formats a number with its noun: 1 picture, 2 pictures.
export const countOf = (n, one, many = one + "s") => `${count(n)} ${n === 1 ? one : many}`;

// formatName returns the usual spelling of a picture format: JPEG, WebP.
export const formatName = (format) => (format === "webp" ? "WebP" : format.toUpperCase());

// bytes formats a size in decimal units with at most three digits: 1.23 MB.
export function bytes(n) {
  const units = ["B", "kB", "MB", "GB", "TB", "PB"];
  let unit = 0;
  while (n >= 999.5 && unit < units.length - 1) {
    n /= 1000;
    unit++;
  }
  const digits = unit === 0 || n >= 99.95 ? 0 : n >= 9.995 ? 1 : 2;
  return `${n.toFixed(digits)} ${units[unit]}`;
}

// day formats a UTC day such as 2026-03-01, without its year.
export const day = (date) => days.format(new Date(date + "T00:00:00Z"));

// fullDay formats a UTC day with its year.
export const fullDay = (date) => fullDays.format(new Date(date + "T00:00:00Z"));

// moment formats a time in the operator's time zone.
export const moment = (time) => moments.format(new Date(time));

// minute formats a time of today in the operator's time zone.
export const minute = (time) => minutes.format(new Date(time));

// hour formats a time of the last days in the operator's time zone.
export const hour = (time) => hours.format(new Date(time));

// captured formats a time of the camera's clock, in the zone of its offset. Without
// an offset, time is that clock's with Z.
export function captured(time, offset) {
  const [, sign, hours, minutes] = /^([+-])(\d\d):(\d\d)$/.exec(offset ?? "") ?? [];
  const shift = sign ? (sign === "-" ? -1 : 1) * (Number(hours) * 60 + Number(minutes)) * 60000 : 0;
  const text = cameraMoments.format(new Date(Date.parse(time) + shift));
  return sign ? `${text} (UTC${offset})` : text;
}

const spans = [["year", 365 * 86400], ["month", 30 * 86400], ["day", 86400], ["hour", 3600], ["minute", 60]];

// ago formats the distance of a time from now. It rounds up by 2%, so that a link
// made for 7 days expires in 7 days, not in 6.
export function ago(time, now = Date.now()) {
  const seconds = (new Date(time).getTime() - now) / 1000;
  for (const [unit, length] of spans) {
    if (Math.abs(seconds) >= length) return distances.format(Math.trunc((1.02 * seconds) / length), unit);
  }
  return seconds > 0 ? "in a moment" : "just now";
}

// exposureTime formats seconds as cameras do: 1/250 s, 2.5 s.
export function exposureTime(seconds) {
  if (seconds >= 0.35) return `${round(seconds, 1)} s`;
  return `1/${count(Math.round(1 / seconds))} s`;
}

export const round = (n, digits) => String(Number(n.toFixed(digits)));

// coordinates formats a position with five decimals, about a metre.
export function coordinates({ latitude, longitude }) {
  const part = (value, positive, negative) => `${Math.abs(value).toFixed(5)}° ${value < 0 ? negative : positive}`;
  return `${part(latitude, "N", "S")}, ${part(longitude, "E", "W")}`;
}

// share formats a part of a whole in percent.
export function share(part, whole) {
  if (!whole) return "0%";
  const percent = (100 * part) / whole;
  return percent > 0 && percent < 1 ? "<1%" : `${Math.round(percent)}%`;
}

// percent formats a share from 0 to 1. Only certainty is 100%, only nothing 0%.
export function percent(part) {
  if (part > 0 && part < 0.01) return "<1%";
  if (part < 1 && part > 0.99) return ">99%";
  return `${Math.round(100 * part)}%`;
}

// duration formats seconds with their two largest units: 2 min 5 s.
export function duration(seconds) {
  const units = [["d", 86400], ["h", 3600], ["min", 60], ["s", 1]];
  let rest = Math.max(0, Math.round(seconds));
  const parts = units.map(([name, length]) => {
    const n = Math.floor(rest / length);
    rest -= n * length;
    return [n, name];
  });
  const first = parts.findIndex(([n]) => n > 0);
  if (first < 0) return "0 s";
  return parts.slice(first, first + 2).filter(([n]) => n > 0).map(([n, name]) => `${count(n)} ${name}`).join(" ");
}
