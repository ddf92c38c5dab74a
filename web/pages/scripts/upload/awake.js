// While the page sends files, it keeps the screen on (where the browser can) and
// the browser asks before the visitor leaves.

let lock = null;
let busy = false;

/** @param {boolean} now whether the page is sending files */
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
    // The browser may refuse, as on a low battery. Sending works without the lock.
  }
}

// The browser releases the lock when it hides the page.
document.addEventListener("visibilitychange", () => {
  if (busy && document.visibilityState === "visible") hold();
});
