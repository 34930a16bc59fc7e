import { start, type Started } from "../../lib/process";
import { labels } from "../../model/labels";
import { docker } from "../../rollout/docker";
import { until } from "./until";

type Labels = Readonly<Record<string, string>>;

/** Whether a container is a stack's. */
export const ofStack = (stackLabel: string) => (own: Labels) => own[labels.stack] === stackLabel;

/**
 * The volumes without a name of their own that some containers get, from now on. Docker doesn't tell afterwards whose
 * an abandoned one was, and others on the host have theirs, which come and go.
 */
export class NamelessVolumes {
  private constructor(
    private readonly isOwn: (labels: Labels) => boolean,
    private readonly events: Started,
  ) {}

  /** @param isOwn whether a container is one of those, by its labels */
  static async watch(isOwn: (labels: Labels) => boolean): Promise<NamelessVolumes> {
    const filters = ["event=create", "event=mount"].flatMap((filter) => ["--filter", filter]);
    const volumes = new NamelessVolumes(isOwn, start("docker", ["events", ...filters, "--format", "{{json .}}"]));
    await volumes.settled();
    return volumes;
  }

  /** Those that are still there although no container has them: it was removed without them. */
  async abandoned(): Promise<string[]> {
    await this.settled();
    const events = this.read();
    const own = new Set(
      events.flatMap(({ Type, Actor: { ID, Attributes } }) =>
        Type === "container" && this.isOwn(Attributes) ? [ID] : [],
      ),
    );
    const mounted = new Set(
      events.flatMap(({ Type, Actor: { ID, Attributes } }) =>
        Type === "volume" && own.has(Attributes["container"] ?? "") ? [ID] : [],
      ),
    );
    const dangling = (await docker("volume", "ls", "--quiet", "--filter", "dangling=true")).split("\n");
    return dangling.filter((name) => /^[0-9a-f]{64}$/.test(name) && mounted.has(name));
  }

  async close(): Promise<void> {
    this.events.kill("SIGTERM");
    await this.events.ended;
  }

  /** Waits until what happened before this moment has been told: events come in order, and the last is one of its own. */
  private async settled(): Promise<void> {
    const marker = `nlb-e2e-marker-${process.pid}-${Date.now()}`;
    await until("docker tells its events", 20, async () => {
      await docker("volume", "create", marker);
      await docker("volume", "rm", marker);
      return this.events.output().includes(marker);
    });
  }

  private read(): DockerEvent[] {
    const lines = this.events.output().split("\n").slice(0, -1);
    return lines.map((line) => JSON.parse(line) as DockerEvent);
  }
}

interface DockerEvent {
  readonly Type: string;
  readonly Actor: { readonly ID: string; readonly Attributes: Labels };
}
