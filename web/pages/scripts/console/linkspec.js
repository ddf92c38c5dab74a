// What is typed into the form of a new link, as the API takes it.

export const units = { MB: 1e6, GB: 1e9, TB: 1e12 };

const LONGEST = 366 * 86400000;

// spec gives {spec}, or {field, message} for the first thing that cannot be.
export function spec(form, now = Date.now()) {
  const out = {};
  const label = form.label.trim();
  if ([...label].length > 200) return wrong("label", "The label may have 200 characters.");
  if (label) out.label = label;

  let end;
  if (form.expiry === "exact") {
    end = Date.parse(form.expiresAt);
    if (Number.isNaN(end)) return wrong("expiresAt", "Say until when the link is good.");
    if (end <= now) return wrong("expiresAt", "The link has to expire in the future.");
    if (end > now + LONGEST) return wrong("expiresAt", "A link lives 366 days at most.");
    out.expires_at = new Date(end).toISOString();
  } else {
    out.expires_in = form.expiry;
    end = now + lifetime(form.expiry);
  }
  if (form.notBefore) {
    const start = Date.parse(form.notBefore);
    if (Number.isNaN(start)) return wrong("notBefore", "Say when the link becomes good, or leave it empty.");
    if (start >= end) return wrong("notBefore", "The link would expire before it becomes good.");
    out.not_before = new Date(start).toISOString();
  }
  if (form.maxFiles !== "") {
    const files = Number(form.maxFiles);
    if (!Number.isSafeInteger(files) || files < 1) return wrong("maxFiles", "A whole number from 1, or nothing.");
    out.max_files = files;
  }
  if (form.maxSize !== "") {
    const size = Math.round(Number(form.maxSize) * units[form.unit]);
    if (!Number.isSafeInteger(size) || size < 1) return wrong("maxSize", "A number above 0, or nothing.");
    out.max_bytes = size;
  }
  return { spec: out };
}

const wrong = (field, message) => ({ field, message });

// lifetime reads the presets: 1h, 7d.
export function lifetime(text) {
  const [, number, unit] = /^(\d+)([hd])$/.exec(text);
  return Number(number) * (unit === "d" ? 86400000 : 3600000);
}
