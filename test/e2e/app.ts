import { cp, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startLoad, type Load, type Profile } from "../../scripts/load/load";

/** What a version of the fixture app does, see test/fixture/app.py. */
export type Mode =
  | "ok"
  | "unhealthy"
  | "unhealthy-inside"
  | "hidden-health"
  | "particular"
  | "crash"
  | "localhost-only"
  | "failing"
  | "late"
  | "leaking"
  | "mortal";

/** A source tree of the fixture app, to be changed as a developer would. */
export class FixtureApp {
  private constructor(readonly path: string) {}

  static async create(): Promise<FixtureApp> {
    const path = await mkdtemp(join(tmpdir(), "nlb-app-"));
    await cp(join(__dirname, "..", "fixture"), path, { recursive: true });
    return new FixtureApp(path);
  }

  /** Writes another version of the source. */
  async write(version: string, mode: Mode = "ok"): Promise<void> {
    await writeFile(join(this.path, "version.txt"), `${version}\n`);
    await writeFile(join(this.path, "mode.txt"), `${mode}\n`);
  }

  /** Makes the source one whose image doesn't build, or one that does again. */
  async breakBuild(broken: boolean): Promise<void> {
    await writeFile(
      join(this.path, "requirements.txt"),
      broken ? "no-such-package-of-this-name==0.0.1\n" : "gunicorn==27.0.1\n",
    );
  }

  async remove(): Promise<void> {
    await rm(this.path, { recursive: true, force: true });
  }
}

/** The load of the end-to-end tests: kept and fresh connections, bodies that come back, and one slow request at a time. */
export function fixtureLoad(url: string, { slow = true, maxSeconds = 300 } = {}): Load {
  const version: Pick<Profile, "tag"> = { tag: ({ headers }) => String(headers["x-version"]) };
  let number = 0;
  return startLoad({
    url,
    maxSeconds,
    profiles: [
      { name: "kept GET", method: "GET", path: "/", keepAlive: true, clients: 3, pauseMilliseconds: 2, ...version },
      { name: "fresh GET", method: "GET", path: "/", keepAlive: false, clients: 2, pauseMilliseconds: 5, ...version },
      {
        name: "kept POST",
        method: "POST",
        path: "/echo",
        keepAlive: true,
        clients: 3,
        pauseMilliseconds: 2,
        body: () => `${++number} ${"x".repeat(number % 2000)}`,
        check: ({ status, body }, sent) =>
          status === 200 && body === sent ? undefined : `status ${status}, ${body.length} bytes`,
        ...version,
      },
      ...(slow
        ? [
            {
              name: "slow GET",
              method: "GET" as const,
              path: "/slow?seconds=3",
              keepAlive: true,
              clients: 1,
              ...version,
            },
          ]
        : []),
    ],
  });
}
