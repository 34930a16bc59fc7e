import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { format } from "prettier";
import { peersImage } from "../../../bench/traffic/images";
import { docker } from "../../../rollout/docker";
import { runMain } from "../../../scripts/cli";
import { projectRoot } from "../../../scripts/setup/project";
import { baseImages } from "../../machine";
import { corpus } from "./corpus";
import { HostileLab, type Outcome } from "./lab";
import type { Row } from "./row";

interface Compared {
  readonly section: string;
  readonly row: Row;
  readonly ours: Outcome;
  readonly theirs: Outcome;
}

async function outcomes(lab: HostileLab): Promise<Outcome[]> {
  const all: Outcome[] = [];
  for (const { protocol, rows } of corpus) for (const row of rows) all.push(await lab.send(protocol, row));
  return all;
}

async function compare(): Promise<Compared[]> {
  const lab = await HostileLab.create();
  try {
    const ours = await outcomes(lab);
    const theirs = await lab.besideHaproxy(peersImage, () => outcomes(lab));
    const rows = corpus.flatMap(({ title, rows }) => rows.map((row) => ({ section: title, row })));
    return rows.map((one, at) => ({ ...one, ours: ours[at] as Outcome, theirs: theirs[at] as Outcome }));
  } finally {
    await lab.remove();
  }
}

const isFlood = ({ row }: Compared) => row.gets === "at most";
/** What ours may hand on is what the row says; of HAProxy, which may answer what ours refuses, no more than there are lines of requests. */
const isMore = ({ row, ours }: Compared) => ours.out.length > Math.max(1, row.out.length);
const isTheirsMore = ({ row, theirs }: Compared) => theirs.out.length > Math.max(1, row.out.length, row.raw.match(/ HTTP\/\d/g)?.length ?? 0); // prettier-ignore
const isPart = ({ out }: Outcome) => out.some((one) => one.endsWith("(part of a body)"));
const outOf = (outcome: Outcome) => `${outcome.out.length}${isPart(outcome) ? ", a part" : ""}`;
const named = (all: readonly Compared[]) => all.map(({ section, row }) => `${section}: ${row.name}`).join("; ") || "none"; // prettier-ignore

/** Where as many requests went out, in one line for each answer of ours. */
function alike(all: readonly Compared[]): string {
  const groups = new Map<string, string[]>();
  for (const { row, ours, theirs } of all) {
    const key = `${ours.gets} -> ${ours.out.length}`;
    const name = theirs.gets === ours.gets ? row.name : `${row.name} (HAProxy: ${theirs.gets})`;
    groups.set(key, [...(groups.get(key) ?? []), name]);
  }
  return [...groups].map(([key, names]) => `- **${key}**: ${names.join("; ")}`).join("\n");
}

function sectionOf(title: string, all: readonly Compared[]): string {
  const [same, other] = [all.filter((one) => !isFlood(one) && one.ours.out.length === one.theirs.out.length), all.filter((one) => !isFlood(one) && one.ours.out.length !== one.theirs.out.length)]; // prettier-ignore
  const lines = other.map(({ row, ours, theirs }) => `| ${row.name} | ${ours.gets} | ${outOf(ours)} | ${theirs.gets} | ${outOf(theirs)} |`); // prettier-ignore
  const table = ["| what | here | out | HAProxy | out |", "| --- | --- | --- | --- | --- |", ...lines].join("\n");
  const floods = all.filter(isFlood).map(({ row }) => `- ${row.name}: at most as many out as in`);
  return [`### ${title}`, lines.length > 0 ? table : "", alike(same), floods.join("\n")].filter(Boolean).join("\n\n");
}

async function page(): Promise<string> {
  const { nginxImage } = await baseImages();
  const version = async (image: string, program: string) => /\d+\.\d+\.\d+/.exec(await docker("run", "--rm", image, "sh", "-c", `${program} -v 2>&1`))?.[0]; // prettier-ignore
  const [nginx, haproxy] = [await version(nginxImage, "nginx"), await version(peersImage, "haproxy")];
  const all = await compare();
  const steady = all.filter((one) => !isFlood(one));
  const refused = ({ out }: Outcome) => out.length === 0;
  const pick = (holds: (ours: Outcome, theirs: Outcome) => boolean) => steady.filter(({ ours, theirs }) => holds(ours, theirs)); // prettier-ignore
  const text = `# Hostile input

Made by \`node -r ./scripts/typescript.cjs test/faults/hostile/page.ts\` from the rows in test/faults/hostile/, each sent as raw bytes to nginx ${nginx}
with the configuration that is installed here, and to HAProxy ${haproxy} with a plain one ([haproxy.ts](../test/faults/hostile/haproxy.ts)), before the
same backends, which keep every byte. \`npm run test:repair\` holds the columns of ours to the letter. HAProxy's image is the bench's (\`npm run bench\`).

After each row, with its connection still open and once more when it is closed, somebody else asks every backend over the same kept-alive connections:
what the backend gets of that, and what is answered, must be as ever, byte for byte.

| | |
| --- | --- |
| rows | ${all.length} |
| where ours hands more on than a connection's requests can be | ${all.filter(isMore).length} |
| the same of HAProxy | ${all.filter(isTheirsMore).length} |
| where ours has handed on something that can be read in two ways, or that somebody else has noticed | ${all.filter(({ ours }) => ours.problems.length > 0).length} |
| the same of HAProxy | ${all.filter(({ theirs }) => theirs.problems.length > 0).length} |
| both hand nothing on | ${pick((ours, theirs) => refused(ours) && refused(theirs)).length} |
| both hand on as much | ${pick((ours, theirs) => !refused(ours) && ours.out.length === theirs.out.length).length} |
| ours hands something on, HAProxy nothing | ${pick((ours, theirs) => !refused(ours) && refused(theirs)).length} |
| HAProxy hands something on, ours nothing | ${pick((ours, theirs) => refused(ours) && !refused(theirs)).length} |
| of these, a part of a body that has not come as a whole | ${pick((ours, theirs) => refused(ours) && isPart(theirs)).length} |
| both hand something on, but not as much | ${pick((ours, theirs) => !refused(ours) && !refused(theirs) && ours.out.length !== theirs.out.length).length} |

HAProxy sends what it has of a body before it has seen the end of it ("a part" in the column); ours has received it as a whole by then.

Ours refuses, and HAProxy mends and hands on: a length beside chunks (it goes by the chunks, and closes), equal lengths in a list or in two lines, folds,
equal Hosts, TRACE, escapes that are none, paths that climb past the root. HAProxy refuses, and ours hands on: what stands in the next part, heads of more
than 16 kB or 100 headers, high bytes in a target, names that are no tokens (ours drops the header).

Of HAProxy, readable in two ways: ${named(all.filter(({ theirs }) => theirs.problems.length > 0))}.

## What is handed on, or ends more than it has to

nginx has no directive for these. What a backend gets of them has one meaning, and none of them says who the client is:

- A line without a colon reaches backends as a header with an empty value, and control characters other than NUL in a value as they are.
- A bare LF ends a line of a head, CR CR LF does, too, and HTTP/0.9 is answered (RFC 9112 leaves it to servers). In chunks a bare LF is refused.
- Headers that Connection names, apart from those of [headers.md](headers.md), are handed on (RFC 9110, 7.6.1).
- HTTP/2: headers of a connection (\`connection\`, \`te: gzip\`, \`transfer-encoding\`, ...) are dropped where RFC 9113, 8.2.2 has the request refused;
  \`:path\` may come after a header; DATA of a stream that was never opened is passed over.
- HTTP/2: a request with trailers ends its whole connection (GOAWAY), with all that is under way there.

## All rows

Below, in each part, first the rows in which the two hand on another number of requests. The others stand by what the client gets of ours and the number of
requests that went out, with HAProxy's answer where it is another one. \`closed\`: the connection has ended; \`nothing\`: the rest of the request is waited for.

${corpus
  .map(({ title }) =>
    sectionOf(
      title,
      all.filter(({ section }) => section === title),
    ),
  )
  .join("\n\n")}
`;
  return text;
}

runMain(async () => {
  const path = join(projectRoot, "docs", "hostile-input.md");
  await writeFile(path, await format(await page(), { filepath: path, printWidth: 120 }));
});
