// Turns the form of a new link into the API's request.

export const units = { MB: 1e6, GB: 1e9, TB: 1e12 };

const LONGEST = 366 * 86400000;

// spec returns {spec}, or {field, message} for the first invalid field.
export function spec(form, now = Date.now()) {
  const out = {};
  const label = form.label.trim();
  if ([...label].length > 200) return wrong("label", "The label can have at most 200 characters.");
  if (label) out.label = label;

  let end;
  if (form.expiry === "exact") {
    end = Date.parse(form.expiresAt);
    if (Number.isNaN(end)) return wrong("expiresAt", "Enter when the link expires.");
    if (end <= now) return wrong("expiresAt", "The link must expire in the future.");
    if (end > now + LONGEST) return wrong("expiresAt", "The link can be good for at most 366 days.");
    out.expires_at = new Date(end).toISOString();
  } else {
    out.expires_in = form.expiry;
    end = now + lifetime(form.expiry);
  }
  if (form.notBefore) {
    const start = Date.parse(form.notBefore);
    if (Number.isNaN(start)) return wrong("notBefore", "Enter when the link becomes good, or leave the field empty.");
    if (start >= end) return wrong("notBefore", "The link would expire before it becomes good.");
    out.not_before = new Date(start).toISOString();
  }
  if (form.maxFiles !== "") {
    const files = Number(form.maxFiles);
    if (!Number.isSafeInteger(files) || files < 1) return wrong("maxFiles", "Enter a whole number from 1, or leave the field empty.");
    out.max_files = files;
  }
  if (form.maxSize !== "") {
    const size = Math.round(Number(form.maxSize) * units[form.unit]);
    if (!Number.isSafeInteger(size) || size < 1) return wrong("maxSize", "Enter a number above 0, or leave the field empty.");
    out.max_bytes = size;
  }
  return { spec: out };
}

const wrong = (field, message) => ({ field, message });

// lifetime parses a preset, 1h or 7d, into ms.
export function lifetime(text) {
  const [, number, unit] = /^(\d+)([hd])$/.exec(text);
  return Number(number) * (unit === "d" ? 86400000 : 3600000);
}
