import assert from "node:assert/strict";
import { test } from "node:test";
import * as tus from "tus-js-client";
import { bmp, sha256 } from "../lib/pictures.mjs";
import { stage } from "../lib/stage.mjs";

test("a public tus client sends 200 MB through three cut connections, and every byte arrives", async (t) => {
  const { service, proxy } = await stage(t, { proxy: true, env: { INLET_MAX_FILE_BYTES: "256MiB" } });
  const link = await service.createLink();
  const file = bmp("200 MB", 10_000, 6_667);
  assert.ok(file.length > 200e6);

  let cuts = 0;
  const cutting = (async () => {
    for (const bytes of [30e6, 60e6, 45e6]) {
      await proxy.cutAfter(bytes);
      cuts++;
    }
  })();
  const sending = new Promise((resolve, reject) => {
    const upload = new tus.Upload(file, {
      endpoint: `${link.url}/tus/`,
      retryDelays: [100, 300, 1000, 3000],
      metadata: { filename: "large.bmp" },
      onError: reject,
      onSuccess: ({ lastResponse }) => resolve({ url: upload.url, result: JSON.parse(lastResponse.getHeader("Inlet-Result")) }),
    });
    upload.start();
  });
  const { url, result } = await sending;
  await cutting;

  assert.equal(cuts, 3);
  assert.equal(result.status, "stored");
  assert.equal(result.filename, "large.bmp");
  assert.equal(result.bytes, file.length);
  assert.equal(result.sha256, sha256(file));
  assert.equal(sha256(await service.picture(result.id)), sha256(file));
  const again = Math.round((proxy.received - file.length) / 1e6);
  assert.ok(again < 20, `${again} MB were sent again`);
  t.diagnostic(`three cuts, ${again} MB sent again`);

  const later = await fetch(`${url}/result`);
  assert.deepEqual(await later.json(), result);
});
