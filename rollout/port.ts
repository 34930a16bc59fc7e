import { createServer } from "node:net";
import { isTakenBy, publicAddress } from "../model/entry";
import { labels } from "../model/labels";
import { tryDocker } from "./docker";

/** The setting that a port comes from, what it is called where it is told, and how the setting is named to the engine. */
const settingsOf: Readonly<
  Record<"socket" | "tls" | "metrics", { readonly key: string; readonly named?: string; readonly command?: string }>
> = {
  socket: { key: "port", command: "port" },
  tls: { key: "tls.port" },
  metrics: { key: "metrics.port", named: "metrics.port, or the one after it" },
};

/**
 * Fails when a port of the stack's is taken by somebody else, before anything is changed.
 *
 * @param published the addresses that the stack itself publishes already, as `docker ps` writes them
 */
export async function assertPortIsFree(
  { name, port }: { readonly name: keyof typeof settingsOf; readonly port: number },
  bindAddress: string,
  published = "",
): Promise<void> {
  // What the stack itself has, it lets go of.
  if (isTakenBy(publicAddress(bindAddress, port), published)) return;
  const code = await bindError(bindAddress, port);
  if (code === "EADDRINUSE") {
    const { key, named = key, command = `--path ${key}` } = settingsOf[name];
    const { who, renamed } = await holderOf(port);
    throw new Error(
      `${named}: got ${port}, which ${who} uses already (on ${bindAddress}). ` +
        `End it, or choose another port: npx pulumi config set ${command} PORT. ${renamed}Nothing has been changed.`,
    );
  }
  if (code === "EADDRNOTAVAIL") {
    throw new Error(
      `${name === "metrics" ? "metrics." : ""}bindAddress: got ${JSON.stringify(bindAddress)}, expected an address of this host. Nothing has been changed.`,
    );
  }
}

/** The code of the error that listening there gives; undefined when it works, or when only root may try. */
async function bindError(host: string, port: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", (error: NodeJS.ErrnoException) => resolve(error.code));
    server.listen({ host, port, exclusive: true }, () => server.close(() => resolve(undefined)));
  });
}

/** Who has a port, in words, and what to do where that is this very stack under another name. */
async function holderOf(port: number): Promise<{ readonly who: string; readonly renamed: string }> {
  const format = `{{.Names}}\t{{.Label "${labels.stack}"}}`;
  const listed = await tryDocker("ps", "--filter", `publish=${port}`, "--format", format).catch(() => undefined);
  const [container = "", stack = ""] = listed?.stdout.trim().split("\n")[0]?.split("\t") ?? [];
  if (stack === "")
    return { who: container === "" ? "something else on this host" : `container ${container}`, renamed: "" };
  const name = stack.slice(stack.indexOf("/") + 1);
  return {
    who: `container ${container} of stack ${stack}`,
    renamed: `Where this stack was called so before, it needs its name back: npx pulumi stack rename ${name}. `,
  };
}
