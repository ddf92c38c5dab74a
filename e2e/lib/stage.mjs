// Sets up a test: the service, and on request a browser and a bad network.
import { openBrowser } from "./browser.mjs";
import { startProxy } from "./proxy.mjs";
import { startService } from "./service.mjs";

/**
 * stage starts the parts, and stops them after the test; their failures then fail the
 * test. With proxy, the links' addresses are the proxy's.
 */
export async function stage(t, { browser = false, proxy = false, env = {} } = {}) {
  const parts = {};
  t.after(async () => {
    if (!t.passed) await parts.browser?.photograph(t.name);
    // The browser first: a cut connection would be a fault of its pages.
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
