import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { labels } from "../../model/labels";
import { isExporter } from "../../model/metrics";
import { projectRoot } from "../../scripts/setup/project";
import { checks, faultsOf, type Inspected } from "../cis";

const port = { "8080/tcp": [{ HostIp: "127.0.0.1", HostPort: "8080" }] };

const shares: Readonly<Record<string, number>> = { balancer: 2048, metrics: 128, connections: 128 };

/** A container that is as all of a stack are. */
const container = (role: string): Inspected => ({
  Name: `/${role}`,
  AppArmorProfile: "docker-default",
  Config: { User: "10001:10001", Labels: { [labels.role]: role } },
  HostConfig: {
    ...{ Privileged: false, CapAdd: null, CapDrop: ["ALL"], SecurityOpt: ["no-new-privileges:true"] },
    ...{ ReadonlyRootfs: true, Memory: 2 ** 27, MemorySwap: 2 ** 27, CpuShares: shares[role] ?? 0 },
    ...{ PidsLimit: 4096, RestartPolicy: { Name: "always" }, PublishAllPorts: false },
    PortBindings: role === "entry" || isExporter({ role }) ? port : {},
    ...{ NetworkMode: "net", PidMode: "", IpcMode: "private", UTSMode: "", UsernsMode: "", CgroupParent: "" },
    ...{ Devices: [], DeviceRequests: null, DeviceCgroupRules: null, Ulimits: null },
    LogConfig: { Type: "json-file", Config: { "max-size": "10m", "max-file": "3" } },
  },
  Mounts: [{ Type: "volume", Source: "/var/lib/docker/volumes/a", Destination: "/a", Propagation: "", RW: true }],
  NetworkSettings: { Networks: { net: {} } },
  State: role === "entry" ? {} : { Health: { Status: "healthy" } },
  processes: [{ uid: "10001", command: "nginx: master process" }],
  engine: ["name=apparmor", "name=seccomp,profile=default"],
});

describe("checks of section 5 of the CIS Docker Benchmark", () => {
  for (const role of ["backend", "balancer", "entry", "acme", "metrics", "connections"])
    it(`find nothing in a container that is as it should be: ${role}`, () =>
      assert.deepEqual(faultsOf(container(role)), []));

  for (const { number, what, fault } of checks)
    it(`${number} ${what}: not where it isn't so`, () => {
      const one = container("backend");
      fault(one);
      const faults = faultsOf(one);
      assert.ok(faults.includes(`${number} ${what}`), faults.join("; "));
    });

  it("5.23, 5.24: the program runs nothing in a container with more rights than that has", () => {
    const folders = ["components", "lib", "model", "nginx", "rollout", "scripts"].map((one) => join(projectRoot, one));
    const sources = folders.flatMap((folder) =>
      readdirSync(folder, { recursive: true, encoding: "utf8" })
        .filter((path) => path.endsWith(".ts"))
        .map((path) => join(folder, path)),
    );
    assert.ok(sources.some((path) => readFileSync(path, "utf8").includes('"exec"')));
    const raising = sources.filter((path) => /--privileged|--user\b|"-u"/.test(readFileSync(path, "utf8")));
    assert.deepEqual(raising, []);
  });

  it("have each number once", () => assert.equal(new Set(checks.map(({ number }) => number)).size, checks.length));
});
