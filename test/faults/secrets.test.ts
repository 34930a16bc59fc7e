import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { docker, tryDocker } from "../../rollout/docker";
import { projectRoot, pulumiHome } from "../../scripts/setup/project";
import { Canaries, filesIn } from "./canaries";
import { FixtureApp } from "../e2e/app";
import type { EngineRun } from "../e2e/stack";
import { TlsStack } from "../e2e/tls-stack";

const canary = (what: string) => `canary${what}${randomBytes(12).toString("hex")}`;

describe("what is secret", function () {
  this.timeout(600_000);
  const values = {
    env: canary("e"),
    secretEnv: canary("s"),
    serverConfig: canary("c"),
    refused: canary("r"),
    password: canary("p"),
    passphrase: canary("f"),
  };
  const { PULUMI_CONFIG_PASSPHRASE, DOCKER_CONFIG, TMPDIR } = process.env;
  const start = Date.now();
  let own: TlsStack;
  let app: FixtureApp;
  let folder: string;
  let canaries: Canaries;

  /** What shows the config: an app's `env` in it is not secret. */
  const plain = { config: ["env"], "preview in JSON": ["env"] };
  /** What a run of the engine has shown, and what others could see of it meanwhile. */
  const shown: Record<string, string> = {};
  const seen: Record<string, string[]> = {};
  const watched = async (what: string, run: () => Promise<EngineRun>, isToFail = false) => {
    const { result, seen: inLines } = await canaries.inCommandLinesOf(run());
    assert.equal(result.code !== 0, isToFail, result.output);
    shown[what] = result.output;
    if (inLines.length > 0) seen[what] = inLines;
    return result.output;
  };
  const engine = (what: string, ...args: string[]) => watched(what, () => own.stack.engine(...args));
  const failing = (what: string) => watched(what, () => own.stack.engine("up"), true);
  const setSecret = (key: string, value: string) => own.stack.engineOk("config", "set", "--secret", key, value);

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "nlb-secrets-"));
    const auths = { "registry.example": { auth: Buffer.from(`reader:${values.password}`).toString("base64") } };
    await mkdir(join(folder, "docker"));
    await mkdir(join(folder, "temporary"));
    await writeFile(join(folder, "docker", "config.json"), JSON.stringify({ auths }), { mode: 0o600 });
    process.env["PULUMI_CONFIG_PASSPHRASE"] = values.passphrase;
    process.env["DOCKER_CONFIG"] = join(folder, "docker");
    app = await FixtureApp.create();
    await app.write("one");
    own = await TlsStack.create("secrets", []);
    process.env["TMPDIR"] = join(folder, "temporary");
    const key = await own.certify("shop", ["shop.example"]);
    canaries = new Canaries({ ...values, key: (key.split("\n")[1] ?? "").slice(-40) });
    await own.stack.configure({ tls: { port: own.port, certificates: [own.files("shop")] } });
    const settings = { name: "shop", path: app.path, count: "2", "hosts[0]": "shop.example", "env.PLAIN": values.env };
    for (const [name, value] of Object.entries(settings))
      await own.stack.engineOk("config", "set", "--path", `apps[0].${name}`, value);
    await own.stack.engineOk("config", "set", "--secret", "--path", "apps[0].secretEnv.TOKEN", values.secretEnv);
    await setSecret("serverConfig", `set $told "${values.serverConfig}";`);
  });
  after(async () => {
    await own?.remove();
    await app?.remove();
    for (const [name, value] of Object.entries({ PULUMI_CONFIG_PASSPHRASE, DOCKER_CONFIG, TMPDIR }))
      if (value === undefined) Reflect.deleteProperty(process.env, name);
      else process.env[name] = value;
    await rm(folder, { recursive: true, force: true });
  });

  it("is shown by no run that works, nor by what asks a stack", async () => {
    await engine("preview of the first update", "preview", "--diff");
    await engine("preview in JSON", "preview", "--json");
    await engine("up", "up");
    await engine("outputs", "stack", "output", "--json");
    await engine("history", "stack", "history", "--json");
    await engine("config", "config");
    await app.write("two");
    await setSecret("serverConfig", `set $told "${values.serverConfig}";\nset $more "${values.serverConfig}";`);
    await engine("preview of a change", "preview", "--diff");
    await engine("up with a change", "up");
    await watched("status", () => own.stack.script("status"));
    await watched("status --json", () => own.stack.script("status", "--json"));
    await watched("changes", () => own.stack.script("history", "--json"));
    await watched("a change", () => own.stack.script("history", "show", "2"));
    const back = ["--config-file", own.stack.configFile, "--yes"];
    assert.match(
      await watched("rollback", () => own.stack.script("rollback", ...back), true),
      /apps\n +serverConfig\n/,
    );
    await engine("refresh", "refresh", "--diff");
    await engine("preview without a change", "preview", "--diff", "--expect-no-changes");
    assert.deepEqual(canaries.where(shown), plain);
  });

  it("is shown by no run that fails", async () => {
    await app.write("three", "crash");
    assert.match(await failing("app that crashes"), /crashed as told/);
    await app.write("two");
    for (const [what, text] of Object.entries({
      "unknown directive": `${values.refused} on;`,
      "bad value": `ssl_protocols ${values.refused};`,
      "unknown variable": `set $told $${values.refused};`,
      "bad pattern": `rewrite "(${values.refused}" /;`,
      "unclosed block": `location /x { set $told ${values.refused};`,
    })) {
      await setSecret("serverConfig", text);
      await failing(what);
    }
    await setSecret("serverConfig", `set $told "${values.serverConfig}";`);
    await engine("up after all", "up");
    assert.deepEqual(canaries.where(shown), plain);
  });

  it("is in no command line meanwhile", () => assert.deepEqual(seen, {}));

  it("is, of what Docker tells, in its own app's environment alone", async () => {
    const { balancer, entry, backends } = await own.stack.containers();
    const texts: Record<string, string> = {};
    for (const one of [balancer, entry, ...backends].flatMap((each) => each ?? [])) {
      const { stdout, stderr } = await tryDocker("logs", one.id);
      texts[`${one.role}: inspect`] = await docker("inspect", one.id);
      texts[`${one.role}: logs`] = stdout + stderr;
      texts[`${one.role}: image`] = await docker("image", "inspect", one.image);
      texts[`${one.role}: history`] = await docker("history", "--no-trunc", one.image);
      texts[`${one.role}: changed files`] = await docker("diff", one.id);
      texts[`${one.role}: processes`] = await docker("top", one.id, "-eo", "pid,args");
    }
    const label = `label=nginx-load-balancer.stack=${own.stack.stackLabel}`;
    for (const kind of ["network", "volume"]) {
      const ids = (await docker(kind, "ls", "--quiet", "--filter", label)).split("\n").filter(Boolean);
      texts[kind] = await docker(kind, "inspect", ...ids);
    }
    assert.ok(Object.keys(texts).length === 20);
    assert.deepEqual(canaries.where(texts), { "backend: inspect": ["env", "secretEnv"] });
  });

  it("is in files of nginx's volume that it alone may read, and in none of its others", async () => {
    const { balancer } = await own.stack.containers();
    const inside = (command: string) => docker("exec", balancer?.id ?? "", "sh", "-c", command);
    const places = "/etc/nginx /tmp /run /var/spool/nginx /dev/shm";
    const paths = (await inside(`find ${places} -type f 2>/dev/null`)).split("\n").filter(Boolean);
    const texts: Record<string, string> = {};
    for (const path of paths) texts[path] = await inside(`cat ${path}`);
    const found = canaries.where(texts);
    const kinds = Object.entries(found).map(([path, names]) => {
      return `${path.replace(/[0-9a-f]{16}/, "ID").replace(/[^/]+(?=\.key$)/, "NAME")}: ${names.join()}`;
    });
    assert.deepEqual([...new Set(kinds)].sort(), [
      "/etc/nginx/live/releases/ID/NAME.key: key",
      "/etc/nginx/live/releases/ID/release.json: serverConfig",
      "/etc/nginx/live/releases/ID/server.conf: serverConfig",
    ]);
    const modes = await inside(`stat -c '%a %u %g' ${Object.keys(found).join(" ")}`);
    assert.deepEqual([...new Set(modes.trim().split("\n"))], ["600 10001 10001"]);
  });

  it("is in no file of the engine's in the clear: state, history, logs, or what is left in temporary folders", async () => {
    const kept = {
      ...filesIn(own.stack.folder),
      ...filesIn(join(folder, "temporary")),
      ...filesIn(join(pulumiHome, "logs"), start),
      exported: await own.stack.engineOk("stack", "export"),
    };
    assert.ok(Object.keys(kept).some((path) => path.includes(own.stack.name) && path.endsWith(".log")));
    const found = canaries.where(kept);
    const others = Object.entries(found).filter(([, names]) => names.join() !== "env");
    assert.deepEqual(others, []);
    // The search finds what there is.
    assert.deepEqual(found["config.yaml"], ["env"]);
    for (const path of Object.keys(found)) assert.match(path, /^config\.yaml$|\/history\//, path);
    const made = join(projectRoot, `Pulumi.${own.stack.name}.yaml`);
    assert.deepEqual(existsSync(made) ? canaries.in(readFileSync(made, "utf8")) : [], []);
  });

  it("goes with the stack", async () => {
    await engine("destroy", "destroy");
    assert.deepEqual(canaries.where(shown), plain);
    assert.deepEqual(seen, {});
    assert.deepEqual(await own.stack.leftovers(), []);
  });
});
