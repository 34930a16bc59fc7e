import { createServer } from "node:net";
import { isTakenBy, publicAddress } from "../model/entry";

/**
 * Fails when the balancer's port is taken by somebody else, before anything is changed.
 *
 * @param published the addresses that the stack itself publishes already, as `docker ps` writes them
 */
export async function assertPortIsFree(where: { bindAddress: string; port: number }, published = ""): Promise<void> {
  // What the stack itself has, it lets go of.
  if (isTakenBy(publicAddress(where.bindAddress, where.port), published)) return;
  const code = await bindError(where.bindAddress, where.port);
  if (code === "EADDRINUSE") {
    throw new Error(
      `port: got ${where.port}, which something else on this host uses already (on ${where.bindAddress}). ` +
        "End it, or choose another port: npx pulumi config set port PORT. Nothing has been changed.",
    );
  }
  if (code === "EADDRNOTAVAIL") {
    throw new Error(
      `bindAddress: got ${JSON.stringify(where.bindAddress)}, expected an address of this host. Nothing has been changed.`,
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
