import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { dockerEndpoint, engineEnvironment } from "../../scripts/setup/environment";

/** Makes a Docker client's folder with contexts, as `docker context create` and `docker context use` leave it. */
async function makeClient(
  folder: string,
  chosen: string | undefined,
  hosts: Record<string, string>,
  tls: string[] = [],
) {
  const id = (name: string) => createHash("sha256").update(name).digest("hex");
  await writeFile(join(folder, "config.json"), JSON.stringify({ auths: {}, currentContext: chosen }));
  for (const [name, host] of Object.entries(hosts)) {
    const meta = join(folder, "contexts", "meta", id(name));
    await mkdir(meta, { recursive: true });
    const content = { Name: name, Metadata: {}, Endpoints: { docker: { Host: host, SkipTLSVerify: false } } };
    await writeFile(join(meta, "meta.json"), JSON.stringify(content));
  }
  for (const name of tls) await mkdir(join(folder, "contexts", "tls", id(name), "docker"), { recursive: true });
}

describe("the engine's environment", () => {
  let folder: string;
  beforeEach(async () => (folder = await mkdtemp(join(tmpdir(), "nlb-docker-config-"))));
  afterEach(() => rm(folder, { recursive: true, force: true }));

  const hosts = { rootless: "unix:///run/user/7/docker.sock", far: "tcp://far.example:2376" };

  it("has the empty passphrase, unless one is set", () => {
    assert.equal(engineEnvironment({})["PULUMI_CONFIG_PASSPHRASE"], "");
    assert.ok(!("PULUMI_CONFIG_PASSPHRASE" in engineEnvironment({ PULUMI_CONFIG_PASSPHRASE: "mine" })));
    assert.ok(!("PULUMI_CONFIG_PASSPHRASE" in engineEnvironment({ PULUMI_CONFIG_PASSPHRASE_FILE: "/some/file" })));
  });

  it("has what makes runs quick, unless it is set otherwise", () => {
    const { PULUMI_SKIP_UPDATE_CHECK, PULUMI_ENABLE_LEGACY_DIFF, GOGC, GOMEMLIMIT } = engineEnvironment({});
    assert.deepEqual(
      [PULUMI_SKIP_UPDATE_CHECK, PULUMI_ENABLE_LEGACY_DIFF, GOGC, GOMEMLIMIT],
      ["true", "true", "400", "512MiB"],
    );
    const wanted = {
      PULUMI_SKIP_UPDATE_CHECK: "false",
      PULUMI_ENABLE_LEGACY_DIFF: "false",
      GOGC: "100",
      GOMEMLIMIT: "1GiB",
    };
    const own = engineEnvironment(wanted);
    for (const [name, value] of Object.entries(wanted)) assert.equal(own[name], value);
  });

  const rows: [what: string, env: Record<string, string>, chosen: string | undefined, endpoint: object][] = [
    ["nothing is chosen", {}, undefined, { tls: false }],
    ["the default context is chosen", {}, "default", { tls: false }],
    ["a context is chosen", {}, "rootless", { host: hosts.rootless, context: "rootless", tls: false }],
    ["a chosen context is gone", {}, "gone", { tls: false }],
    [
      "DOCKER_CONTEXT is set",
      { DOCKER_CONTEXT: "rootless" },
      "far",
      { host: hosts.rootless, context: "rootless", tls: false },
    ],
    ["DOCKER_CONTEXT is the default", { DOCKER_CONTEXT: "default" }, "rootless", { tls: false }],
    [
      "DOCKER_HOST is set",
      { DOCKER_HOST: "tcp://near:1", DOCKER_CONTEXT: "far" },
      "far",
      { host: "tcp://near:1", tls: false },
    ],
  ];
  for (const [what, env, chosen, expected] of rows) {
    it(`names the docker client's engine when ${what}`, async () => {
      await makeClient(folder, chosen, hosts);
      assert.deepEqual(dockerEndpoint({ ...env, DOCKER_CONFIG: folder }), expected);
    });
  }

  it("tells where certificates are needed", async () => {
    await makeClient(folder, "far", hosts, ["far"]);
    assert.deepEqual(dockerEndpoint({ DOCKER_CONFIG: folder }), { host: hosts.far, context: "far", tls: true });
    assert.deepEqual(dockerEndpoint({ DOCKER_HOST: hosts.far, DOCKER_TLS_VERIFY: "1" }), {
      host: hosts.far,
      tls: true,
    });
  });

  it("hands a context on to the plugin", async () => {
    await makeClient(folder, "rootless", hosts);
    const expected: [chosen: string | undefined, host: string][] = [
      [undefined, hosts.rootless],
      ["far", hosts.far],
      ["default", "unix:///var/run/docker.sock"],
    ];
    for (const [context, host] of expected) {
      const env = engineEnvironment({ DOCKER_CONTEXT: context, DOCKER_CONFIG: folder });
      assert.deepEqual([env["DOCKER_HOST"], env["DOCKER_CONTEXT"]], [host, ""]);
    }
  });

  it("touches nothing of Docker's where nothing is chosen, or can't be found", async () => {
    await makeClient(folder, undefined, hosts);
    for (const env of [{}, { DOCKER_CONTEXT: "gone" }]) {
      const keys = Object.keys(engineEnvironment({ ...env, DOCKER_CONFIG: folder }));
      assert.deepEqual(
        keys.filter((key) => key.startsWith("DOCKER_")),
        [],
      );
    }
  });

  it("is what npx pulumi runs with", async () => {
    await makeClient(folder, "rootless", hosts);
    // The launcher starts the engine that PULUMI_HOME holds: here one that prints its environment.
    const launcher = join(__dirname, "..", "..", "scripts", "setup", "pulumi.cjs");
    const { version } = JSON.parse(
      (await promisify(execFile)(process.execPath, ["-p", "JSON.stringify(require('pulumi/package.json'))"])).stdout,
    ) as { version: string };
    const bin = join(folder, "home", "versions", version, "bin");
    await mkdir(bin, { recursive: true });
    await writeFile(join(bin, "pulumi"), "#!/bin/sh\nenv\n", { mode: 0o755 });
    const { PATH = "" } = process.env;
    const env = { PATH, HOME: folder, PULUMI_HOME: join(folder, "home"), DOCKER_CONFIG: folder };
    const { stdout } = await promisify(execFile)(process.execPath, [launcher, "up"], { env });
    for (const line of [`DOCKER_HOST=${hosts.rootless}`, "PULUMI_CONFIG_PASSPHRASE=", "PULUMI_SKIP_UPDATE_CHECK=true"])
      assert.ok(stdout.split("\n").includes(line), `${line} is missing in:\n${stdout}`);
  });
});
