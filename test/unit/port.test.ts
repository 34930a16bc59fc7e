import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type AddressInfo, type Server } from "node:net";
import { assertPortIsFree } from "../../rollout/port";

describe("the balancer's port", () => {
  let other: Server;
  let port: number;
  const door = (name: "socket" | "tls" = "socket") => ({ name, port });
  beforeEach(async () => {
    other = createServer().listen(0, "127.0.0.1");
    await once(other, "listening");
    ({ port } = other.address() as AddressInfo);
  });
  afterEach(() => void other.close());

  it("is refused when something else has it, and named", async () => {
    await assert.rejects(assertPortIsFree(door(), "127.0.0.1"), {
      message: `port: got ${port}, which something else on this host uses already (on 127.0.0.1). End it, or choose another port: npx pulumi config set port PORT. Nothing has been changed.`,
    });
    await assert.rejects(assertPortIsFree(door("tls"), "127.0.0.1"), {
      message: `tls.port: got ${port}, which something else on this host uses already (on 127.0.0.1). End it, or choose another port: npx pulumi config set --path tls.port PORT. Nothing has been changed.`,
    });
    await assert.rejects(assertPortIsFree(door(), "127.0.0.1", `127.0.0.1:1${port}->8080/tcp`), /uses/);
    await assert.rejects(assertPortIsFree(door(), "127.0.0.1", `127.0.0.2:${port}->8080/tcp`), /uses/);
  });

  it("is free when nothing has it, or the stack's own balancer", async () => {
    await assertPortIsFree(door(), "127.0.0.1", `127.0.0.1:${port}->8080/tcp`);
    await assertPortIsFree(door(), "127.0.0.1", `0.0.0.0:${port}->8080/tcp, :::${port}->8080/tcp`);
    other.close();
    await once(other, "close");
    await assertPortIsFree(door(), "127.0.0.1");
  });

  it("is refused at an address that isn't this host's", async () => {
    // Kept for documentation (RFC 5737): no host has it.
    await assert.rejects(assertPortIsFree(door(), "192.0.2.1"), {
      message: `bindAddress: got "192.0.2.1", expected an address of this host. Nothing has been changed.`,
    });
  });
});
