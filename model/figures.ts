/** A value of a metric, as a Prometheus is told it. */
export interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/**
 * Reads what a Prometheus is told.
 *
 * @see https://prometheus.io/docs/instrumenting/exposition_formats/
 */
export function readSamples(text: string): Sample[] {
  return text.split("\n").flatMap((line): Sample[] => {
    const [, name, , list = "", value = ""] =
      /^([a-z_:][\w:]*)(\{(.*)\})? ([-+]?(?:Inf|NaN|[\d.]+(?:e[-+]?\d+)?))(?: |$)/i.exec(line) ?? [];
    if (name === undefined) return [];
    const pairs = [...list.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)].map(([, key = "", quoted = ""]) => [
      key,
      quoted.replace(/\\(.)/g, (_, one: string) => (one === "n" ? "\n" : one)),
    ]);
    return [{ name, labels: Object.fromEntries(pairs) as Record<string, string>, value: Number(value.replace("+Inf", "Infinity")) }]; // prettier-ignore
  });
}

/** What was told at a time, in seconds. */
export interface Moment {
  readonly time: number;
  readonly samples: readonly Sample[];
}

/** What some requests came to, in the time between two moments. */
export interface Figures {
  readonly requestsPerSecond: number;
  /** Answers of 500 and above, and attempts without an answer. */
  readonly errorsPerSecond: number;
  /** Half of all were as fast, and 99 of a hundred, in seconds; undefined where there was none. */
  readonly p50?: number;
  readonly p99?: number;
}

export interface StackFigures {
  readonly all: Figures;
  readonly sites: Readonly<Record<string, Figures>>;
  /** By alias; of a backend, attempts count. */
  readonly backends: Readonly<Record<string, Figures>>;
  readonly retriesPerSecond: number;
  /** Undefined where nobody tells. */
  readonly connections?: number;
  readonly wanted: Readonly<Record<string, number>>;
  readonly healthy: Readonly<Record<string, number>>;
}

type Labels = Readonly<Record<string, string>>;

/** What has changed between two moments; a counter that has begun anew counts from 0. */
export function figuresOf(earlier: Moment, later: Moment): StackFigures {
  const seconds = later.time - earlier.time;
  const before = new Map(earlier.samples.map((sample) => [keyOf(sample), sample.value]));
  const grown = later.samples.map((sample) => {
    const was = before.get(keyOf(sample)) ?? 0;
    return { ...sample, value: sample.value >= was ? sample.value - was : sample.value };
  });
  const sum = (name: string, isOne: (labels: Labels) => boolean) =>
    grown.reduce((total, sample) => total + (sample.name === name && isOne(sample.labels) ? sample.value : 0), 0);
  const figures = (counter: string, histogram: string | undefined, isOne: (labels: Labels) => boolean): Figures => {
    const buckets = grown.filter(({ name, labels }) => name === `${histogram}_bucket` && isOne(labels));
    const [p50, p99] = [quantile(buckets, 0.5), quantile(buckets, 0.99)];
    return {
      requestsPerSecond: sum(counter, isOne) / seconds,
      errorsPerSecond: sum(counter, (labels) => isOne(labels) && /^[05]/.test(labels["class"] ?? "")) / seconds,
      ...(p50 !== undefined && { p50 }),
      ...(p99 !== undefined && { p99 }),
    };
  };
  const valuesOf = (name: string, label: string) =>
    [...new Set(grown.flatMap((one) => (one.name === name ? (one.labels[label] ?? "") : [])))].sort();
  const gauges = (name: string) =>
    Object.fromEntries(
      later.samples.flatMap((one) => (one.name === name ? [[one.labels["app"] ?? "", one.value]] : [])),
    );
  const connections = later.samples.find(({ name }) => name === "nginx_connections_active")?.value;
  return {
    all: figures("nlb_requests_total", "nlb_request_seconds", () => true),
    sites: Object.fromEntries(
      valuesOf("nlb_requests_total", "site").map((site) => [
        site,
        figures("nlb_requests_total", undefined, (labels) => labels["site"] === site),
      ]),
    ),
    backends: Object.fromEntries(
      valuesOf("nlb_attempts_total", "backend").map((backend) => [
        backend,
        figures("nlb_attempts_total", "nlb_attempt_seconds", (labels) => labels["backend"] === backend),
      ]),
    ),
    retriesPerSecond: sum("nlb_retries_total", () => true) / seconds,
    ...(connections !== undefined && { connections }),
    wanted: gauges("nlb_backends_wanted"),
    healthy: gauges("nlb_backends_healthy"),
  };
}

function keyOf({ name, labels }: Sample): string {
  return JSON.stringify([name, Object.entries(labels).sort()]);
}

/** As histogram_quantile of Prometheus: within a bucket, times are taken to lie evenly. */
function quantile(buckets: readonly Sample[], share: number): number | undefined {
  const counts = new Map<number, number>();
  for (const { labels, value } of buckets) {
    const most = Number((labels["le"] ?? "").replace("+Inf", "Infinity"));
    counts.set(most, (counts.get(most) ?? 0) + value);
  }
  const sorted = [...counts].sort(([a], [b]) => a - b);
  const total = sorted.at(-1)?.[1] ?? 0;
  if (total === 0) return undefined;
  let [bound, below] = [0, 0];
  for (const [most, count] of sorted) {
    if (count >= share * total)
      return most === Infinity ? bound : bound + ((most - bound) * (share * total - below)) / (count - below);
    [bound, below] = [most, count];
  }
  return bound;
}
