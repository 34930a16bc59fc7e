import { z } from "zod";
import type { Problem } from "./app";
import { certificatesFor, readCertificate, type Certificate, type CertificateContext } from "./certificates";
import { choice, flag, integer, rule } from "./rules";
import type { Settings } from "./settings";

const file = rule("the name of a file, relative to the program's folder", (e) => z.string(e).min(1, e));

export const certificateSchema = rule("an object {certificateFile, privateKeyFile}", (e) =>
  z.strictObject(
    {
      certificateFile: file.meta({
        description: "in PEM: the certificate, followed by those that stand above it",
        change: "reloads",
      }),
      privateKeyFile: file.meta({
        description: "its key in PEM; goes nowhere but on nginx's volume",
        change: "reloads",
      }),
    },
    e,
  ),
);

/** Browsers' list of hosts that are asked with TLS alone takes those that say so for a year or longer. */
const preloadSeconds = 31_536_000;

/** How sites are served with TLS. */
export const tlsSchema = rule("an object {certificates, ...}", (e) =>
  z.strictObject(
    {
      port: integer(1, 65535)
        .default(8443)
        .meta({ description: "where TLS is published, at `bindAddress`", change: "replaces entry, balancer" }),
      certificates: rule("a list of 1 to 200 objects {certificateFile, privateKeyFile}", (e) =>
        z.array(certificateSchema, e).min(1, e).max(200, e),
      ).meta({ description: "each serves the hosts that it has names for", change: "reloads" }),
      redirect: flag.default(true).meta({
        description:
          "whether `port` answers names that have a certificate with 308 to https, instead of serving them, too",
        change: "reloads",
      }),
      hsts: integer(0, 63_072_000).default(0).meta({
        description:
          "for how many seconds browsers are to use nothing but TLS (Strict-Transport-Security); 0 says nothing. Can't be taken back",
        change: "reloads",
      }),
      hstsPreload: flag.default(false).meta({
        description: "whether that is said for all names below each host, too, and for browsers' own lists",
        change: "reloads",
      }),
      profile: choice(["intermediate", "modern"])
        .default("intermediate")
        .meta({ description: "Mozilla's guideline 6.0: TLS 1.2 and 1.3, or 1.3 alone", change: "reloads" }),
    },
    e,
  ),
);

type TlsSettings = NonNullable<Settings["tls"]>;

/** What is wrong with TLS that a look at one value doesn't show. */
export function problemsOfTls(
  { certificates: files, hsts, hstsPreload }: Pick<TlsSettings, "certificates" | "hsts" | "hstsPreload">,
  apps: readonly { readonly hosts: readonly string[] }[],
  redirects: readonly { readonly from: string }[],
  context: CertificateContext,
): Problem[] {
  const problems: Problem[] = [];
  const certificates: Certificate[] = [];
  for (const [index, each] of files.entries()) {
    const reading = readCertificate(each, context);
    if ("certificate" in reading) certificates.push(reading.certificate);
    else problems.push({ path: ["tls", "certificates", index, reading.at], expected: reading.expected });
  }
  if (hstsPreload && hsts < preloadSeconds)
    problems.push({ path: ["tls", "hsts"], expected: `at least ${preloadSeconds}, a year, with hstsPreload` });
  // One that can't be read might have been for any host.
  if (certificates.length < files.length) return problems;
  const names = certificates.flatMap((certificate) => certificate.names).join(", ");
  const check = (path: readonly PropertyKey[], host: string) => {
    if (certificatesFor(host, certificates).length === 0)
      problems.push({ path, expected: `a name that a certificate of tls.certificates is for: ${names}` });
  };
  for (const [app, { hosts }] of apps.entries())
    for (const [index, host] of hosts.entries()) check(["apps", app, "hosts", index], host);
  for (const [index, { from }] of redirects.entries()) check(["redirects", index, "from"], from);
  return problems;
}

/** TLS as a configuration needs it. */
export interface Tls extends Omit<TlsSettings, "certificates"> {
  readonly certificates: readonly Certificate[];
}
