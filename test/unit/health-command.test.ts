import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { duration, healthCommand, healthIntervalSeconds, startSeconds } from "../../model/health-command";

/** The exit code of the command against a server that answers with a status; undefined for none that listens. */
async function exitCode(status: number | undefined, path: string): Promise<{ code: number; asked: string[] }> {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(request.url ?? "");
    response.writeHead(status ?? 500).end("x");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  if (status === undefined) server.close();
  try {
    return await new Promise((resolve) => {
      execFile("/bin/sh", ["-c", healthCommand(port, path)], (error) =>
        resolve({ code: error ? Number(error.code) : 0, asked }),
      );
    });
  } finally {
    server.close();
  }
}

describe("health command", () => {
  it("succeeds on 200 alone", async () => {
    assert.deepEqual(await exitCode(200, "/health"), { code: 0, asked: ["/health"] });
    for (const status of [204, 301, 404, 500, 503])
      assert.notEqual((await exitCode(status, "/health")).code, 0, String(status));
  });

  it("fails when nothing listens", async () => assert.notEqual((await exitCode(undefined, "/health")).code, 0));

  it("asks for the path as it is", async () => {
    assert.deepEqual((await exitCode(200, "/a%20b/up?x=1&y=%2F")).asked, ["/a%20b/up?x=1&y=%2F"]);
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
