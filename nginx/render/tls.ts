import { certificatesFor, type Certificate } from "../../model/certificates";
import type { Tls } from "../../model/tls";
import type { Topology } from "../../model/topology";
import { renderAcmeCertificate, renderAcmeNames } from "./acme";

/** What Mozilla's guideline 6.0 has of each profile. https://wiki.mozilla.org/Security/Server_Side_TLS */
const protocols: Readonly<Record<Tls["profile"], string>> = {
  intermediate: `  ssl_protocols TLSv1.2 TLSv1.3;
  ssl_ciphers ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305;
`,
  modern: "  ssl_protocols TLSv1.3;\n",
};

/** For the http block. Its session cache holds the keys of tickets, too, and outlives a reload: so do sessions. */
export function renderTls({ profile, acme }: Pick<Tls, "profile" | "acme">): string {
  return `  # tls.profile: ${profile}
${protocols[profile]}  ssl_ecdh_curve X25519MLKEM768:X25519:prime256v1:secp384r1;
  # https://nginx.org/en/docs/http/ngx_http_ssl_module.html#ssl_session_cache
  ssl_session_cache shared:tls:10m;
  ssl_session_timeout 1d;
${acme === undefined ? "" : renderAcmeNames(acme)}`;
}

/** Names that share their certificates. */
export interface CertifiedNames {
  readonly names: readonly string[];
  /** None: each name has one of its own, from an authority. */
  readonly certificates: readonly Certificate[];
}

/** Names by the certificates that they are served with. */
export function byCertificate(names: readonly string[], { certificates, acme }: Tls): CertifiedNames[] {
  const groups = new Map<string, { names: string[]; certificates: Certificate[] }>();
  for (const name of names) {
    const own = certificatesFor(name, certificates);
    if (own.length === 0 && acme?.hosts.includes(name) !== true) continue;
    const key = own.map((one) => one.name).join();
    const group = groups.get(key) ?? { names: [], certificates: own };
    group.names.push(name);
    groups.set(key, group);
  }
  return [...groups.values()];
}

/** The names with certificates that no site and no redirect has: with TLS, the apps without hosts answer these. */
export function restNames({ sites, redirects, tls }: Pick<Topology, "sites" | "redirects" | "tls">): string[] {
  const claimed = new Set([...sites.flatMap(({ hosts }) => hosts), ...redirects.map(({ from }) => from)]);
  const all = new Set([...(tls?.certificates ?? []).flatMap(({ names }) => names), ...(tls?.acme?.hosts ?? [])]);
  return [...all].filter((name) => !claimed.has(name)).sort();
}

/** In a server block: what its certificates are, and what browsers are told. */
export function renderCertificates(certificates: readonly Certificate[], { hsts, hstsPreload, acme }: Tls): string {
  const files = certificates.map(
    ({ name, names, issuer, until }) => `    # ${names.join(", ")}; signed by ${issuer}; until ${until}
    ssl_certificate ${name}.crt;
    ssl_certificate_key ${name}.key;
`,
  );
  const lines = files.length === 0 && acme !== undefined ? [renderAcmeCertificate(acme)] : files;
  const value = `max-age=${hsts}${hstsPreload ? "; includeSubDomains; preload" : ""}`;
  return `    http2 on;
${lines.join("")}${hsts > 0 ? `    add_header Strict-Transport-Security "${value}" always;\n` : ""}`;
}

/** Refuses the handshake for names that have no certificate here, and, after one for another name, requests for them. */
export function renderNoName(listen: string): string {
  return `  # Names without a certificate.
  server {
    listen ${listen};
    ssl_reject_handshake on;
    return 421;
  }
`;
}

/** A port as it stands in an address of https: none for 443. */
export function portOf({ port }: Pick<Tls, "port">): string {
  return port === 443 ? "" : `:${port}`;
}
