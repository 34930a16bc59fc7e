import { UserError } from "../lib/errors";
import type { Change } from "../model/release";
import { releaseOf, showFiles } from "../nginx/render/config";
import { apply } from "./apply";
import { watchAsker, whoAsks } from "./asker";
import { attachmentsOf } from "./certificates";
import { keepInHistory } from "./history";
import { formatChange, type LastChange } from "./report";
import { DockerRuntime } from "./runtime/docker";
import type { Log } from "./runtime/runtime";

/** What an install is told beside the change. */
export interface Given {
  /** nginx's text, as it was shown. */
  readonly previewed: string;
  /** Makes the names of files of users; empty where there are none. */
  readonly usersKey: string;
  /** The stack's settings, sealed, for the history; undefined where they are not kept. */
  readonly settings: string | undefined;
}

/**
 * Brings in the release that a change describes, and keeps how that went in the history.
 *
 * @throws UserError where that text is another one; Error as {@link apply} throws it
 */
export async function install(change: Change, given: Given, log: Log): Promise<LastChange> {
  const { previewed, usersKey, settings } = given;
  const release = releaseOf(change.topology);
  if (release.id !== change.id || showFiles(release.files) !== previewed)
    throw new UserError("The configuration is not the one that was previewed: run `pulumi up` again.");
  const { destination, policy, attempt, isSecret, canary } = change;
  const attachments = attachmentsOf(change.topology, change.certificateFiles, {
    paths: change.usersFiles ?? [],
    key: usersKey,
  });
  const wanted = { release, attachments, isSecret, destination, policy, attempt, ...(canary && { canary }) };
  const runtime = new DockerRuntime(wanted, releaseOf, { log, isLeft: watchAsker() });
  try {
    const author = { release, isSecret, by: whoAsks(), settings };
    const done = await apply(wanted, runtime, log, (ending) => keepInHistory(ending, author, runtime, log));
    log(formatChange(done));
    await runtime.sign(done.at);
    return done;
  } finally {
    await runtime.close();
  }
}
