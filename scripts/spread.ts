import type { Answered } from "../model/topology";
import { entranceOf } from "./entrance";
import { startLoad, type Profile } from "./load/load";
import { formatTable } from "./table";

const requests = 20;

/** How long each may take. */
const timeoutSeconds = 10;

/**
 * A table of how often each answer comes, for requests to the balancer one after the other.
 *
 * @param urls those of the stack, the plain one first
 */
export async function spread(urls: readonly string[], topology: Answered): Promise<string> {
  const { address, isTls, host, path } = await entranceOf(urls, topology);
  const profile = {
    ...(host !== undefined && { host }),
    ...{ name: "GET", method: "GET", path, keepAlive: false, clients: 1 },
    check: () => undefined,
    tag: ({ status, body }) => `${status} ${body.trim().slice(0, 60)}`,
  } satisfies Profile;
  const limits = { maxRequests: requests, maxSeconds: requests * timeoutSeconds, timeoutSeconds };
  const load = startLoad({ ...address, ...limits, profiles: [profile] });
  await load.ended;
  const { byTag, byReason } = load.total();
  const { port } = new URL(address.url);
  const site = isTls ? `https://${host}${port && `:${port}`}` : (host ?? "");
  return formatTable(
    [`answer to GET ${site}${path} (${requests} requests)`, "times"],
    Object.entries({ ...byTag, ...byReason }).sort(),
  );
}
