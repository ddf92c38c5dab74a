// While something is being sent, the screen stays on where the browser can keep
// it so, and leaving the page is asked about.

let lock = null;
let busy = false;

/** Says whether something is being sent. */
export function setBusy(now) {
  if (busy === now) return;
  busy = now;
  if (busy) addEventListener("beforeunload", ask);
  else removeEventListener("beforeunload", ask);
  hold();
}

function ask(event) {
  event.preventDefault();
  event.returnValue = true;
}

async function hold() {
  if (!busy) {
    lock?.release().catch(() => {});
    lock = null;
    return;
  }
  try {
    lock = await navigator.wakeLock?.request("screen");
  } catch {
    // It is a courtesy: a low battery refuses it.
  }
}

// The lock ends when the page is hidden.
document.addEventListener("visibilitychange", () => {
  if (busy && document.visibilityState === "visible") hold();
});
