import { UserError } from "../lib/errors";
import type { Change } from "../model/release";
import { releaseOf, showFiles } from "../nginx/render/config";
import { apply } from "./apply";
import { watchAsker } from "./asker";
import { attachmentsOf } from "./certificates";
import { formatChange, type LastChange } from "./report";
import { DockerRuntime } from "./runtime/docker";
import type { Log } from "./runtime/runtime";

/**
 * Brings in the release that a change describes.
 *
 * @param previewed nginx's text, as it was shown
 * @param usersKey makes the names of files of users
 * @throws UserError where that text is another one; Error as {@link apply} throws it
 */
export async function install(change: Change, previewed: string, usersKey: string, log: Log): Promise<LastChange> {
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
    const done = await apply(wanted, runtime, log);
    log(formatChange(done));
    await runtime.sign(done.at);
    return done;
  } finally {
    await runtime.close();
  }
}
