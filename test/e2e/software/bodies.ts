import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { request } from "node:https";
import { text } from "node:stream/consumers";
import { pipeline } from "node:stream/promises";
import type { Writable } from "node:stream";
import { setTimeout as pause } from "node:timers/promises";
import { until } from "../until";
import { hosts, type SoftwareSite } from "./site";

const megabyte = 1_000_000;

/** Lets pass so many bytes a second at most. */
class Rate {
  private readonly begun = performance.now();
  private passed = 0;

  constructor(private readonly bytesPerSecond: number) {}

  async pass(bytes: number): Promise<void> {
    this.passed += bytes;
    const early = this.begun + (this.passed / this.bytesPerSecond) * 1000 - performance.now();
    if (early > 0) await pause(early);
  }
}

/** @param get the site, once it is there */
export function describeBodies(get: () => SoftwareSite): void {
  const revision = async () =>
    (JSON.parse((await get().ask("shop", "/told")).text) as { readonly revision: string }).revision;

  it("a download of 200 MB that its client takes slowly frees its backend, and comes whole while another app is rolled", async () => {
    const session = get().http2("shop");
    try {
      const stream = session.request({ ":path": "/download/large?megabytes=200" });
      const [{ ":status": status }] = (await once(stream, "response")) as [Record<string, number>];
      assert.equal(status, 200);
      const sha = createHash("sha256");
      const rate = new Rate(12 * megabyte);
      let received = 0;
      const end = (async () => {
        for await (const chunk of stream as AsyncIterable<Buffer>) {
          sha.update(chunk);
          received += chunk.length;
          await rate.pass(chunk.length);
        }
      })();
      const sent = await until(
        "the backend has sent all",
        10,
        async () => (await get().ask("shop", "/taken/large")).text || undefined,
      );
      assert.ok(received < 150 * megabyte, `the client has ${received} bytes by now`);
      await Promise.all([get().roll("live"), end]);
      assert.deepEqual([received, sha.digest("hex")], [200 * megabyte, sent]);
    } finally {
      session.destroy();
    }
  });

  /** Sends a body of 50 MB, a second or two long, and compares what the backend has got. */
  async function upload(protocol: "http/1.1" | "chunked" | "http/2"): Promise<void> {
    const block = randomBytes(megabyte);
    const sha = createHash("sha256");
    const send = (to: Writable) => {
      const rate = new Rate(25 * megabyte);
      return pipeline(async function* () {
        for (let number = 0; number < 50; number++) {
          const part = Buffer.from(block);
          part.writeUInt32BE(number);
          sha.update(part);
          yield part;
          await rate.pass(part.length);
        }
      }, to);
    };
    const length = { "content-length": 50 * megabyte };
    let got: string;
    if (protocol === "http/2") {
      const session = get().http2("shop");
      try {
        const stream = session.request({ ":method": "POST", ":path": "/upload", ...length });
        [got] = await Promise.all([text(stream), send(stream)]);
      } finally {
        session.destroy();
      }
    } else {
      const asked = request(get().address("shop", "/upload"), {
        method: "POST",
        headers: protocol === "chunked" ? {} : length,
        createConnection: () => get().connect(hosts.shop, "http/1.1"),
      });
      const answered = once(asked, "response") as Promise<[Parameters<typeof text>[0]]>;
      const [[answer]] = await Promise.all([answered, send(asked)]);
      got = await text(answer);
    }
    assert.equal(got, sha.digest("hex"), protocol);
  }

  it("uploads of 50 MB come whole while their app is rolled", async () => {
    const before = await revision();
    let isOver = false;
    const uploads = (["http/1.1", "chunked", "http/2"] as const).map(async (protocol) => {
      let made = 0;
      for (; !isOver; made++) await upload(protocol);
      return made;
    });
    const roll = get()
      .roll("shop")
      .finally(() => (isOver = true));
    const [made] = await Promise.all([Promise.all(uploads), roll]);
    assert.ok(Math.min(...made) >= 2, `uploads made: ${made.join()}`);
    assert.notEqual(await revision(), before);
  });

  it("one that is larger than maxBodyMb is refused", async () => {
    const asked = get().ask("shop", "/upload", { method: "POST", headers: { "content-length": 65 * 2 ** 20 } });
    assert.equal((await asked).status, 413);
  });
}
