import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { duration, healthCommand, healthIntervalSeconds, startSeconds } from "../../model/health-command";
import type { HealthCheck } from "../../model/topology";

/** What a server was asked, and the exit code of the command that asked it. */
interface Asked {
  readonly code: number;
  /** Request lines and Host headers. */
  readonly asked: readonly string[];
}

/**
 * Runs the command against a server.
 *
 * @param status what the server answers with; undefined for none that listens
 * @param tool the only one that the container has
 */
async function run(tool: string, status: number | undefined, question: Partial<HealthCheck> = {}): Promise<Asked> {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(`${request.method} ${request.url} ${request.headers.host}`);
    response.writeHead(status ?? 500, status === 301 ? { Location: "/elsewhere" } : {}).end("x");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  if (status === undefined) server.close();
  const folder = mkdtempSync(join(tmpdir(), "nlb-tools-"));
  symlinkSync(pathOf(tool), join(folder, tool));
  const command = healthCommand(port, { path: "/health", host: "localhost", ...question });
  try {
    return await new Promise((resolve) => {
      execFile("/bin/sh", ["-c", command], { env: { PATH: folder } }, (error) =>
        resolve({ code: error ? Number(error.code) : 0, asked }),
      );
    });
  } finally {
    server.close();
    rmSync(folder, { recursive: true });
  }
}

function pathOf(tool: string): string {
  const folders = (process.env["PATH"] ?? "").split(":");
  return folders.map((folder) => join(folder, tool)).find((file) => existsSync(file)) ?? "";
}

describe("health command", () => {
  for (const tool of ["bash", "curl", "wget"].filter((name) => pathOf(name) !== ""))
    describe(`with ${tool}`, () => {
      it("succeeds on 200 alone", async () => {
        assert.deepEqual(await run(tool, 200), { code: 0, asked: ["GET /health localhost"] });
        for (const status of [204, 301, 404, 500, 503])
          assert.notEqual((await run(tool, status)).code, 0, String(status));
      });

      it("fails when nothing listens", async () => assert.notEqual((await run(tool, undefined)).code, 0));

      const paths = ["/a%2fb", "/a%20b/up?x=1&y=%2F", "/up?full=1", "/$(id)'!*&;x", "/a%25b/%25s"];
      for (const path of paths)
        it(`asks for ${path} as it is`, async () => {
          assert.deepEqual(await run(tool, 200, { path }), { code: 0, asked: [`GET ${path} localhost`] });
        });

      it("sends the wanted Host", async () => {
        const { asked } = await run(tool, 200, { host: "shop.example:8443" });
        assert.deepEqual(asked, ["GET /health shop.example:8443"]);
      });
    });
});

describe("health interval", () => {
  it("keeps the checks of a whole pool at 10 a second or fewer", () => {
    const checks = (count: number) =>
      Array.from({ length: count }, (_, turn) => 1 / healthIntervalSeconds(turn)).reduce((a, b) => a + b);
    assert.deepEqual(
      [2, 10, 50, 200].map((count) => Number(checks(count).toFixed(2))),
      [0.67, 3.33, 7.33, 9.83],
    );
  });
});

describe("time that a backend has to start", () => {
  for (const [setting, seconds] of [
    [1, 60],
    [60, 60],
    [180, 180],
    [3600, 3600],
  ] as const)
    it(`is ${seconds} s for ${setting}`, () => assert.equal(startSeconds(setting), seconds));

  for (const [seconds, text] of [
    [3, "3s"],
    [59, "59s"],
    [60, "1m0s"],
    [90, "1m30s"],
    [180, "3m0s"],
    [3599, "59m59s"],
    [3600, "1h0m0s"],
    [3661, "1h1m1s"],
  ] as const)
    it(`of ${seconds} s is written ${text}, as Docker writes it`, () => assert.equal(duration(seconds), text));
});
