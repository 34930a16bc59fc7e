import { currentRelease, livePlace, mainFile, servingFile, volumeFolder } from "../../model/layout";
import type { BalancerShell } from "../runtime/shell";
import { indent } from "./context";

/** Has a balancer that does not serve yet judge the configuration that its predecessor runs. */
export async function tryLive(shell: BalancerShell): Promise<void> {
  const candidates = `${currentRelease}/${mainFile} ${volumeFolder}/${mainFile}`;
  const { code, output } = await shell.run(
    `mkdir -p ${livePlace.folder} && (for file in ${candidates}; do [ ! -f $file ] || exec nginx -t -q -c $file; done)`,
  );
  if (code !== 0)
    throw new Error(
      `The new balancer's image can't run the live configuration:\n${indent(output)}\nThe old balancer goes on serving.`,
    );
}

/** A script that has the balancer of a name, as the container itself knows it, serve from when it gets a socket. */
export function servingScript(name: string): string {
  return `echo ${name} >${servingFile}.new && mv ${servingFile}.new ${servingFile}`;
}
