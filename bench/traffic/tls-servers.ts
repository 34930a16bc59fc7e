import { readCertificate, type Certificate } from "../../model/certificates";
import { certificateOf } from "../../test/certificates";
import { caddyConfig, haproxyConfig, ourConfig, tlsFiles, tlsPort, tunedNginxConfig } from "./configs";
import type { Tls } from "../../model/tls";
import type { TrafficImages } from "./images";
import type { Server } from "./lab";
import { caddy, haproxy, nginx } from "./servers";

export const tlsKinds = ["ours", "tuned", "haproxy", "caddy"] as const;

/** A certificate with what lies in its files. */
export interface Certified {
  readonly certificate: Certificate;
  readonly chain: string;
  readonly key: string;
}

export async function certifiedFor(names: readonly string[]): Promise<Certified> {
  const made = await certificateOf(names);
  const reading = readCertificate(
    { certificateFile: "certificate", privateKeyFile: "key" },
    { readFile: (path) => made[path as keyof typeof made], authorities: () => [], now: new Date() },
  );
  if (!("certificate" in reading)) throw new Error(reading.expected);
  return reading;
}

/** What nginx finds of them, as a configuration names them. */
export function filesOf({ chain, key }: Certified): Readonly<Record<string, string>> {
  return { [tlsFiles.certificate]: chain, [tlsFiles.key]: key, [tlsFiles.both]: chain + key };
}

/** A configuration of the product's that takes its certificate from where {@link filesOf} has it. */
export function withFiles(config: string, { certificate }: Certified): string {
  return config.replaceAll(` ${certificate.name}.`, " tls.");
}

/** The product's settings of a TLS port with one certificate. */
export function tlsWith({ certificate }: Certified): Tls {
  const settings = { port: tlsPort, redirect: true, hsts: 0, hstsPreload: false, profile: "intermediate" } as const;
  return { ...settings, certificates: [certificate] };
}

/** A proxy with TLS, HTTP/2 and a certificate, under a name that this is for. */
export function tlsProxy(
  kind: (typeof tlsKinds)[number],
  hosts: readonly string[],
  images: TrafficImages,
  certified: Certified,
): Server {
  const sides = {
    ours: () => nginx(withFiles(ourConfig(hosts, {}, { tls: tlsWith(certified) }), certified), images),
    tuned: () => nginx(tunedNginxConfig(hosts, true), images),
    haproxy: () => haproxy(haproxyConfig(hosts, true), images),
    caddy: () => caddy(caddyConfig(hosts, true), images),
  };
  const side = sides[kind]();
  return { ...side, name: kind, aliases: [`${kind}.bench.example`], files: { ...side.files, ...filesOf(certified) } };
}
