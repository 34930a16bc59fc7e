import { frontDoorOf, type FrontDoor } from "../model/front-door";
import { nameFor } from "../model/hosts";
import type { Answered } from "../model/topology";
import { byCertificate, restNames } from "../nginx/render/tls";
import type { Address } from "./load/load";
import { servedChain } from "./load/tls";

/** What a stack is asked for, and where. */
export interface Entrance extends FrontDoor {
  readonly address: Address;
  readonly isTls: boolean;
  /** What there is to know of how its certificate is looked at. */
  readonly note?: string;
}

/**
 * Where clients ask: with TLS, if the name has a certificate. One that no authority known here has signed is trusted for being
 * served; its name and dates count all the same.
 *
 * @param urls those of the stack, the plain one first
 * @param host default: a name that has a certificate, among those that may be asked for where nothing else is said
 */
export async function entranceOf(
  urls: readonly string[],
  topology: Answered,
  host?: string,
  path?: string,
): Promise<Entrance> {
  const door = frontDoorOf(topology, host, path);
  const addressOf = (url: string): Address => ({
    url,
    allowHost: new URL(url).hostname,
    hasLine: topology.proxy?.proxyProtocol === true,
  });
  const plain = { ...door, address: addressOf(urls[0] ?? ""), isTls: false };
  const { sites = [], redirects = [], tls } = topology;
  const tlsUrl = urls.find((url) => url.startsWith("https:"));
  const [rest] = restNames({ sites, redirects, ...(tls && { tls }) });
  const name = door.host ?? (rest && nameFor(rest));
  if (tls === undefined || tlsUrl === undefined || name === undefined) return plain;
  const [certified] = byCertificate([name], tls);
  if (certified === undefined) return plain;

  const address = addressOf(tlsUrl);
  const chain = await servedChain(address, name);
  // An authority has not given one yet, so clients are not sent to https.
  if (chain === undefined && certified.certificates.length === 0) return plain;
  const secure = { ...door, host: name, address, isTls: true };
  if (chain?.problem === undefined) return secure;
  return {
    ...secure,
    address: { ...address, ca: chain.pem },
    note: `The certificate of ${name} is trusted for being served, since it is not known here: ${chain.problem}.`,
  };
}
