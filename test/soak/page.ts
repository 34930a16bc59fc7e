import { shortVersion, table } from "../faults/table/page";
import type { Soak } from "./summary";

/** What docs/reliability.md tells of a soak, before it is formatted. */
export function soakSection({ version, cores, minutes, seed, summary, failed }: Soak): string {
  const rows = summary.map(({ kind, steps, sent, lost, longestGap, failed }) => [
    kind,
    ...[steps, sent, lost, Math.round(longestGap), failed].map(String),
  ]);
  const failures = failed.map(
    ({ number, name, failures, since }) =>
      `- Step ${number}, ${name}: ${failures.join("; ")}${since === undefined ? "" : `. ${since}`}`,
  );
  return `## Soak

\`npm run test:soak -- --minutes ${minutes} --seed ${seed} --update\`, on Docker ${shortVersion(version)} and ${cores} cores: the same load, and steps that follow from the
seed. Each is one or two changes; a fault of those above; one during changes, at a time that the seed gives; or an update that is ended by SIGINT or SIGKILL at one of its
moments, and gone on with or taken back. After each, what was lost is what may be lost in its fault, in a change nothing; each kind of request is
answered by its app's newest version; nothing is left over; \`status\` has no drift; and another update has nothing to do.

${table(["steps", "how many", "sent", "lost", "longest without an answer, ms", "not as it has to be"], rows)}
${failures.length > 0 ? `\nWhat was not as it has to be:\n\n${failures.join("\n")}\n` : ""}`;
}
