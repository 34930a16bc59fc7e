import { createServer } from "node:net";
import { isTakenBy, publicAddress, type Door } from "../model/entry";

/**
 * Fails when a port of the balancer's is taken by somebody else, before anything is changed.
 *
 * @param published the addresses that the stack itself publishes already, as `docker ps` writes them
 */
export async function assertPortIsFree(
  { name, port }: Pick<Door, "name" | "port">,
  bindAddress: string,
  published = "",
): Promise<void> {
  // What the stack itself has, it lets go of.
  if (isTakenBy(publicAddress(bindAddress, port), published)) return;
  const code = await bindError(bindAddress, port);
  if (code === "EADDRINUSE") {
    const [key, command] = name === "tls" ? ["tls.port", "--path tls.port"] : ["port", "port"];
    throw new Error(
      `${key}: got ${port}, which something else on this host uses already (on ${bindAddress}). ` +
        `End it, or choose another port: npx pulumi config set ${command} PORT. Nothing has been changed.`,
    );
  }
  if (code === "EADDRNOTAVAIL") {
    throw new Error(
      `bindAddress: got ${JSON.stringify(bindAddress)}, expected an address of this host. Nothing has been changed.`,
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
