import type { Certificate } from "../../model/certificates";
import { caddyConfig, haproxyConfig, ourConfig, tlsFiles, tlsPort, tunedNginxConfig } from "./configs";
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

/** A proxy with TLS, HTTP/2 and a certificate, under a name that this is for. */
export function tlsProxy(
  kind: (typeof tlsKinds)[number],
  hosts: readonly string[],
  images: TrafficImages,
  { certificate, chain, key }: Certified,
): Server {
  const tls = { port: tlsPort, redirect: true, hsts: 0, hstsPreload: false, profile: "intermediate" } as const;
  const sides = {
    ours: () => {
      const config = ourConfig(hosts, {}, { tls: { ...tls, certificates: [certificate] } });
      return nginx(config.replaceAll(` ${certificate.name}.`, " tls."), images);
    },
    tuned: () => nginx(tunedNginxConfig(hosts, true), images),
    haproxy: () => haproxy(haproxyConfig(hosts, true), images),
    caddy: () => caddy(caddyConfig(hosts, true), images),
  };
  const side = sides[kind]();
  const files = { [tlsFiles.certificate]: chain, [tlsFiles.key]: key, [tlsFiles.both]: chain + key };
  return { ...side, name: kind, aliases: [`${kind}.bench.example`], files: { ...side.files, ...files } };
}
