import { configurationPath, controlCommand, livePlace, lockFile, stepFile } from "../../model/layout";
import { figuresOf, readSamples, type Moment, type StackFigures } from "../../model/figures";
import { balancerOf, listContainers, wordOf } from "../../rollout/containers";
import { tryDocker } from "../../rollout/docker";
import { messageOf } from "../../lib/errors";

/** Over so many seconds figures are taken: nginx writes each second, and what counts reads a moment later. */
const windowSeconds = 5;

/** A backend as Docker tells of it, and the balancer's configuration. */
export interface WatchedBackend {
  readonly alias: string;
  readonly app: string;
  readonly health: string;
}

/** A stack at a time. */
export interface Watched {
  /** In ISO 8601. */
  readonly time: string;
  readonly balancer: string;
  readonly configuration: string;
  /** The step of a change that goes on, and for how many seconds; default: nothing changes. */
  readonly change?: { readonly step: string; readonly seconds: number };
  readonly backends: readonly WatchedBackend[];
  /** Undefined until there are some, and where they can't be had. */
  readonly figures?: StackFigures;
  /** Why they can't be had. */
  readonly problem?: string;
}

/** Looks at a stack again and again. */
export class Watch {
  private moments: Moment[] = [];

  /**
   * @param stack value of its label
   * @param exporters where a Prometheus is answered; none: there are no figures
   */
  constructor(
    private readonly stack: string,
    private readonly exporters: readonly string[],
  ) {}

  async look(): Promise<Watched> {
    const containers = await listContainers(this.stack);
    const balancer = balancerOf(containers);
    const [{ served, change }, problem] = await Promise.all([
      balancer?.state === "running" ? lookInto(balancer.id) : unknown,
      this.ask(),
    ]);
    const [first, last] = [this.moments[0], this.moments.at(-1)];
    const backends = containers.flatMap((one) =>
      one.role === "backend" ? [{ alias: one.alias, app: one.app, health: wordOf(one) }] : [],
    );
    return {
      time: new Date().toISOString(),
      balancer: wordOf(balancer),
      configuration: served,
      ...(change && { change }),
      backends: backends.sort((a, b) => a.alias.localeCompare(b.alias, "en", { numeric: true })),
      ...(first && last && last.time > first.time && { figures: figuresOf(first, last) }),
      ...(problem !== undefined && { problem }),
    };
  }

  /** Takes the figures of now; gives why there are none. */
  private async ask(): Promise<string | undefined> {
    if (this.exporters.length === 0) return "there are no figures without `metrics` in the config";
    const time = performance.now() / 1000;
    const answers = await Promise.all(this.exporters.map(async (url) => readAnswer(url).catch((error: unknown) => ({ url, error })))); // prettier-ignore
    const failed = answers.find((answer) => typeof answer !== "string");
    // What of the two is there is told.
    const samples = answers.flatMap((answer) => (typeof answer === "string" ? readSamples(answer) : []));
    if (samples.length > 0) {
      this.moments.push({ time, samples });
      while (this.moments.length > 2 && time - (this.moments[0]?.time ?? 0) > windowSeconds) this.moments.shift();
    }
    return failed === undefined ? undefined : `${failed.url} does not answer: ${messageOf(failed.error)}`;
  }
}

async function readAnswer(url: string): Promise<string> {
  const answer = await fetch(url, { signal: AbortSignal.timeout(2000) });
  if (!answer.ok) throw new Error(`status ${answer.status}`);
  return answer.text();
}

interface Inside {
  /** Id of the release that nginx runs, or "none". */
  readonly served: string;
  readonly change: Watched["change"];
}

const unknown: Inside = { served: "none", change: undefined };

/** Asks a running balancer. A change that was killed has left its last step, and not its lock. */
async function lookInto(balancer: string): Promise<Inside> {
  const served = controlCommand(livePlace.folder, configurationPath).join(" ");
  const script = `${served}; echo; flock --nonblock ${lockFile} true || cat ${stepFile}; date +%s`;
  const { stdout } = await tryDocker("exec", balancer, "sh", "-c", script);
  const [, id, step, began, now] = /^([0-9a-f]{16})?.*\n(?:(.+) (\d+)\n)?(\d+)\n$/.exec(stdout) ?? [];
  const change = step === undefined ? undefined : { step, seconds: Number(now) - Number(began) };
  return { served: id ?? unknown.served, change };
}
