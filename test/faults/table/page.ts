import { groups, methods, type Fault } from "./fault";
import { apps } from "./load";
import { isResult, type Losses, type Result, type Row } from "./result";
import { requestTimeoutSeconds } from "./ward";

/** What was measured on one version of Docker's engine. */
export interface Engine {
  readonly version: string;
  readonly cores: number;
  readonly rows: readonly Row[];
}

const titles = {
  balancer: "The balancer",
  backend: "One backend",
  engine: "The update and its state",
  host: "Docker itself, and the host",
} as const;

/** 20.10.24+dfsg1 is 20.10. */
export function shortVersion(version: string): string {
  return version.split(".").slice(0, 2).join(".");
}

/** The losses in words: 3 POST wrong. */
export function formatLosses(result: Pick<Result, "GET" | "POST">): string {
  const of = (losses: Losses) => Object.entries(losses).map(([kind, count]) => `${count} ${kind}`);
  return methods.flatMap((method) => of(result[method]).map((words) => `${words} ${method}`)).join(", ");
}

export function formatRow(row: Row | undefined): [lost: string, longest: string, healed: string] {
  if (row === undefined) return ["", "", ""];
  if (!isResult(row)) return [`not here: ${row.leftOut}`, "", ""];
  const losses = formatLosses(row);
  const lost = `${row.lost} of ${row.sent}${losses === "" ? "" : `: ${losses}`}`;
  const healed = row.healed === "not at all" ? "**not at all**" : `${row.healed}, ${row.seconds} s`;
  return [row.failures.length > 0 ? `**${lost}**` : lost, `${row.longestGap} / ${row.max}`, healed];
}

/** Names and numbers that are others in each run. */
function steady(text: string): string {
  return text
    .replaceAll(/(?<=[a-z]-\d+)-[0-9a-f]{10}(?:-\d+)?\b/g, "")
    .replaceAll(/\b[0-9a-f]{16}\b/g, "…")
    .replaceAll(/(?<=127\.0\.0\.1:)\d+/g, "…")
    .replaceAll(/\b172\.\d+\.\d+\.\d+|\b192\.168\.\d+\.\d+|\b10\.\d+\.\d+\.\d+/g, "…");
}

/** A table in Markdown. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const cells = (row: readonly string[]) => `| ${row.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
  return [cells(head), cells(head.map(() => "---")), ...rows.map(cells)].join("\n");
}

/** The page of all that was measured, before it is formatted. */
export function reliabilityPage(engines: readonly Engine[], faults: readonly Fault[]): string {
  const find = ({ rows }: Engine, { group, name }: Fault) =>
    rows.find((row) => row.group === group && row.name === name);
  const isKnown = (fault: Fault) => engines.some((engine) => find(engine, fault) !== undefined);
  const parts = groups.flatMap((group) => {
    const own = faults.filter((fault) => fault.group === group && isKnown(fault));
    if (own.length === 0) return [];
    const head = engines.flatMap(({ version }) => {
      const docker = `Docker ${shortVersion(version)}`;
      return [`${docker}: lost of sent`, "longest, ms", "whole again"];
    });
    const figures = own.map((fault) => [fault.name, ...engines.flatMap((engine) => formatRow(find(engine, fault)))]);
    const seen = own.map((fault) => {
      const results = engines.flatMap((engine) => find(engine, fault) ?? []).filter(isResult);
      const said = [...new Set(results.flatMap(({ status }) => status).map(steady))];
      const beside = [...new Set(results.flatMap((result) => result.beside ?? []).map(steady))];
      const log = results.map((result) => steady(result.log)).find((line) => line !== "");
      return [
        fault.name,
        [...said.slice(0, 3), ...beside].join(" "),
        log === undefined ? "" : `\`${log}\``,
        fault.allowed?.why ?? "nothing",
      ];
    });
    const failed = engines.flatMap((engine) =>
      own.flatMap((fault) => {
        const row = find(engine, fault);
        if (row === undefined || !isResult(row)) return [];
        return row.failures.map((why) => `- ${fault.name}, Docker ${shortVersion(engine.version)}: ${steady(why)}`);
      }),
    );
    return [
      `## ${titles[group]}`,
      table(["what happens", ...head], figures),
      ...(failed.length > 0 ? [`What is not as it has to be:\n\n${failed.join("\n")}`] : []),
      table(
        [
          "what happens",
          "`npm run status` meanwhile, and what else was seen",
          "the balancer's log",
          "what may be lost, and why",
        ],
        seen,
      ),
    ].join("\n\n");
  });
  const machines = engines.map(({ version, cores }) => `Docker ${version} on ${cores} cores`).join("; ");
  return `# Faults, and what is lost in them

Made by \`npm run test:faults -- --update\`, which makes each of these faults on this host, in a stack of its own under load, and fails where a request was lost that
need not have been. ${machines}. What is done to Docker itself and to the host is done to an engine that is made for it, in namespaces and on a disk
image of its own: \`npm run test:faults -- --second-engine\`, and \`--root DIR\` where a root file system has another dockerd.

Two apps (${apps.join(", ")}) have two backends each. Both are asked at the plain port, and at that of TLS by HTTP/1.1 and by HTTP/2; by GET and by POST, on kept
connections and on a new one for each request, about 300 requests a second in all. A POST takes 0.1 s. \`requestTimeoutSeconds\` is ${requestTimeoutSeconds}: after so
long a backend is silent. Each client waits for its answer, and asks for nothing twice.

- **Lost of sent**: _refused_, there was no connection; _reset_, it ended before the answer; _truncated_, in the middle of it; _wrong_, another answer than the app's
  200, such as a 502 of nginx; _timedOut_, none within 20 s. An answer of the other app, or to another request, is never allowed.
- **Longest**: the longest time in which an app gave no answer at one of the two ports / the longest that an answer took.
- **Whole again**: what it took, and how long after the fault: _alone_, or one \`pulumi up\`. Then each kind of request was answered by its app, nothing was left
  over, \`status\` had no drift, and another update nothing to do.

${parts.join("\n\n")}

## Left out

- **The balancer's volume full** by itself: Docker's volumes have no bound of their own, so that a full one is the host's full disk, which is above. Answers on
  a full spool: \`test/faults/spool.test.ts\`, on a bounded one.
- **A limit of conntrack of its own**: \`nf_conntrack_max\` can be set for the whole machine alone. A rule in the engine's network namespace drops what begins a
  connection, as a full table does; those that are open go on.
- **The clock of the host**: no namespace has a wall clock of its own, so that only the balancer and the backends have theirs put on, by libfaketime.
  Docker's own stays. **A disk that forgets** what was not written through when the power goes: the data root's files are as they were written.
- **Another image of the entry, other addresses**: [entry.md](entry.md).
- **Certificates of an authority**: [tls.md](tls.md). **One update killed at each of its moments**: \`test/faults/interrupted.test.ts\`, with INTERRUPTIONS=all.
`;
}
