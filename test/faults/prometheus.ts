import { join } from "node:path";
import { docker, tryDocker } from "../../rollout/docker";
import { run } from "../../lib/process";
import { projectRoot } from "../../scripts/setup/project";
import { takePort } from "../e2e/stack";
import { until } from "../e2e/until";
import { baseImages } from "../machine";

/** A value of a series, and the labels that it has. */
export interface Sample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** The alert rules, in its container. */
export const alertRules = "/data/docs/observability/alerts.yml";

/** Debian's Prometheus in the host's network, which asks each second. */
export class Prometheus {
  private readonly name = `e2e-prometheus-${process.pid}-${takePort()}`;
  private readonly listen = `127.0.0.1:${takePort()}`;

  private constructor() {}

  /**
   * Makes one that answers.
   *
   * @param targets addresses that it asks, by the names of their jobs
   */
  static async create(targets: Readonly<Record<string, string>>): Promise<Prometheus> {
    const prometheus = new Prometheus();
    try {
      await prometheus.run(targets);
      return prometheus;
    } catch (error) {
      await prometheus.remove();
      throw error;
    }
  }

  private async run(targets: Readonly<Record<string, string>>): Promise<void> {
    const { entryImage } = await baseImages();
    const source = join(projectRoot, "test", "fixtures", "prometheus");
    await docker("build", "--quiet", "--tag", this.name, "--build-arg", `BASE=${entryImage}`, source);
    // JSON is YAML.
    const config = {
      global: { scrape_interval: "1s", scrape_timeout: "1s" },
      scrape_configs: Object.entries(targets).map(([job_name, target]) => ({
        job_name,
        static_configs: [{ targets: [target] }],
      })),
    };
    const container = ["run", "--detach", "--name", this.name, "--network", "host"];
    const flags = [
      "--config.file=/data/prometheus.yml",
      "--storage.tsdb.path=/data",
      `--web.listen-address=${this.listen}`,
    ];
    await docker(...container, "--env", `CONFIG=${JSON.stringify(config)}`, this.name, ...flags);
    const silent = async () => {
      const { stdout, stderr } = await tryDocker("logs", this.name);
      return new Error(`Prometheus does not answer:\n${stdout}${stderr}`);
    };
    await until(silent, 30, () =>
      this.query("vector(1)")
        .then(() => true)
        .catch(() => false),
    );
  }

  /** What an expression is at this moment. */
  async query(expression: string): Promise<Sample[]> {
    const answer = await fetch(`http://${this.listen}/api/v1/query?query=${encodeURIComponent(expression)}`);
    const { data, error } = (await answer.json()) as {
      readonly data?: {
        readonly result: { readonly metric: Record<string, string>; readonly value: [number, string] }[];
      };
      readonly error?: string;
    };
    if (data === undefined) throw new Error(`${expression}: ${error}`);
    return data.result.map(({ metric: labels, value: [, value] }) => ({ labels, value: Number(value) }));
  }

  /**
   * What promtool answers, that has the alert rules and their tests at hand.
   *
   * @throws with its own words, where it finds fault with something
   */
  async promtool(...args: readonly string[]): Promise<string> {
    for (const folder of ["docs", "test"]) {
      await docker("exec", this.name, "mkdir", "-p", `/data/${folder}`);
      await docker("cp", join(projectRoot, folder, "observability"), `${this.name}:/data/${folder}/`);
    }
    // Whoever may read the checkout, this user may.
    const { code, stdout, stderr } = await tryDocker("exec", "--user", "0", this.name, "promtool", ...args);
    if (code !== 0) throw new Error(stdout + stderr);
    return stdout + stderr;
  }

  /** What promtool has to say against metrics in Prometheus' format; empty for nothing. */
  async lint(metrics: string): Promise<string> {
    const { stdout, stderr } = await run(
      "docker",
      ["exec", "--interactive", this.name, "promtool", "check", "metrics"],
      {
        input: metrics,
      },
    );
    return stdout + stderr;
  }

  async remove(): Promise<void> {
    await tryDocker("rm", "--force", "--volumes", this.name);
    await tryDocker("rmi", this.name);
  }
}
