// What a test plays on: the service, and where it wants them a browser before it
// and a bad network between.
import { openBrowser } from "./browser.mjs";
import { startProxy } from "./proxy.mjs";
import { startService } from "./service.mjs";

/**
 * stage sets up the parts and takes them down when the test is over; what they
 * then have to complain of fails it. With proxy, the links lead through it.
 */
export async function stage(t, { browser = false, proxy = false, env = {} } = {}) {
  const parts = {};
  t.after(async () => {
    if (!t.passed) await parts.browser?.photograph(t.name);
    // One after the other: a browser complains of a connection that is cut.
    const ends = [];
    for (const end of [() => parts.browser?.close(), () => parts.proxy?.close(), () => parts.service?.stop()]) {
      ends.push(...(await Promise.allSettled([end()])));
    }
    const failed = ends.find((end) => end.status === "rejected");
    if (failed) throw failed.reason;
  });
  if (proxy) parts.proxy = await startProxy();
  parts.service = await startService({ ...(proxy && { INLET_PUBLIC_URL: parts.proxy.address }), ...env });
  if (proxy) parts.proxy.target = parts.service.address;
  parts.origin = parts.proxy?.address ?? parts.service.address;
  if (browser) parts.browser = await openBrowser();
  return parts;
}
