import { createHash } from "node:crypto";
import {
  currentRelease,
  lockFile,
  logFolder,
  recordFile,
  stepFile,
  releaseFolder,
  volumeFolder,
} from "../../model/layout";
import { writeRecord } from "../../model/record";
import type { Release } from "../../model/release";
import { isWatched } from "../../model/topology";
import { messageOf } from "../../lib/errors";
import type { Wanted } from "../plan";
import type { BalancerShell } from "../runtime/shell";

/** Writes what nginx reads of a release, each file whole or not at all. Whatever else lies in their place goes. */
export async function writeFiles(
  shell: BalancerShell,
  { id, files, topology }: Release,
  attachments: Wanted["attachments"],
): Promise<void> {
  const folder = releaseFolder(id);
  await shell.read(`{ [ -d ${folder} ] || rm -f ${folder}; } && mkdir -p ${folder}`);
  for (const { name, text } of files) await writeWhole(shell, `${folder}/${name}`, text);
  for (const { name, text } of attachments) await writeWhole(shell, `${folder}/${name}`, text, 0o600);
  // The logs know its backends before requests reach them. One that fails stands in the way of no change.
  if (isWatched(topology)) await shell.run(`perl /etc/nginx/log.pl names ${logFolder} ${folder}`);
}

/** Writes the record of a release whose files are there: from then on, it is known for what was installed. */
export async function writeRecordOf(
  shell: BalancerShell,
  release: Release,
  { destination: { containers }, attachments, attempt }: Pick<Wanted, "destination" | "attachments" | "attempt">,
): Promise<void> {
  const hash = (text: string) => createHash("sha256").update(text).digest("hex");
  const whole = { ...release, files: [...release.files, ...attachments] };
  const record = writeRecord(whole, { containers, attempt }, hash);
  await writeWhole(shell, `${releaseFolder(release.id)}/${recordFile}`, record);
}

/**
 * Writes a file whole or not at all, also where the disk is full: an update may be killed, and others may read, at any time. Whatever else
 * lies in its place goes.
 *
 * @param mode who may read it, from its first byte on; default: as the container has it
 */
export async function writeWhole(shell: BalancerShell, path: string, text: string, mode?: number): Promise<void> {
  try {
    await shell.write(`${path}.new`, text, mode);
    await shell.read(`{ [ -f ${path} ] || rm -rf ${path}; } && mv ${path}.new ${path}`);
  } catch (error) {
    // What is there of it takes room that others need.
    await shell.run(`rm -rf ${path}.new`).catch(() => undefined);
    throw error;
  }
}

/** How long another change of the same balancer is waited for, in seconds. */
const lockSeconds = 120;

/** Keeps other changes of the balancer from beginning, until the shell ends, however it does. */
export async function lockVolume(shell: BalancerShell): Promise<void> {
  const { code } = await shell
    .run(`exec 9>${lockFile}; flock --timeout ${lockSeconds} 9`, lockSeconds + 10)
    .catch((error: unknown) => ({ code: messageOf(error) }));
  if (code !== 0)
    throw new Error(
      `Another change of this balancer has been going on for ${lockSeconds} s. Try again when it has ended; a canary ends with \`npm run abort\`.`,
    );
}

/** Notes which step is begun, for those who watch. That this can't be told is no matter. */
export async function writeStep(shell: BalancerShell, step: string): Promise<void> {
  await shell.run(`echo "${step} $(date +%s)" >${stepFile}`).catch(() => undefined);
}

/** Where the link to the live release leads; undefined where it is none, as after an edit by hand. */
export async function readLink(shell: BalancerShell, name = currentRelease): Promise<string | undefined> {
  return (await shell.run(`readlink ${name}`)).output.trim() || undefined;
}

/**
 * Makes a release the one that nginx reads next.
 *
 * @param target as {@link readLink} gives it
 * @param previous what a balancer that can't run it goes back to when it starts
 */
export async function link(shell: BalancerShell, target: string, previous?: string): Promise<void> {
  const make = (name: string, to: string) =>
    `{ [ -L ${name} ] || rm -rf ${name}; } && ln -sfn ${to} ${name}.new && mv -T ${name}.new ${name}`;
  const keep = previous === undefined || previous === target ? [] : [make("previous", previous)];
  await shell.read([`cd ${volumeFolder}`, ...keep, make("current", target)].join(" && "));
}

/** Leaves nginx nothing to read when it starts. */
export async function unlink(shell: BalancerShell): Promise<void> {
  await shell.read(`rm -f ${currentRelease}`);
}

/** Removes what neither link leads to. */
export async function removeOldReleases(shell: BalancerShell): Promise<void> {
  await shell.read(`cd ${volumeFolder} && rm -f nginx.conf previous.conf refused.conf generation install.lock
for release in releases/*; do
  case $release in "$(readlink current)" | "$(readlink previous)") ;; *) rm -rf "$release" ;; esac
done`);
}
