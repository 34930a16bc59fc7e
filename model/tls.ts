import { isIP } from "node:net";
import { z } from "zod";
import { hashValue } from "../lib/tree-hash";
import type { Problem } from "./app";
import {
  certificatesFor,
  hasCertificates,
  readCertificate,
  type Certificate,
  type CertificateContext,
} from "./certificates";
import { publicAddress } from "./entry";
import { hostMeant, namePattern } from "./hosts";
import { challengePath } from "./layout";
import { choice, flag, integer, rule, texts } from "./rules";
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

const directory = rule("the URL of an authority's directory, for example https://acme.example/directory", (e) =>
  z
    .string(e)
    .regex(/^https:\/\/[^\s"'\\]+$/, { ...e, abort: true })
    .refine((text) => URL.canParse(text), e),
);

/** What it takes to have an authority make certificates (RFC 8555). */
export const acmeSchema = rule("an object {email, ...}", (e) =>
  z.strictObject(
    {
      email: rule("an e-mail address", (error) => z.email(error)).meta({
        description: "whom the authority writes to; with it, its terms are agreed to",
        change: "replaces lego",
      }),
      directory: directory.default("https://acme-v02.api.letsencrypt.org/directory").meta({
        description: "the authority; another one begins anew, while nginx goes on with what it has",
        change: "replaces lego",
      }),
      hosts: texts("a list of up to 100 different host names in lower case, for example shop.example", [
        "a host name in lower case without *, for example shop.example",
        namePattern,
        hostMeant,
      ])
        .default([])
        .meta({
          description: "names to get certificates for; default: all hosts that none of `certificates` is for",
          change: "reloads",
        }),
      authorityFile: file.optional().meta({
        description: "in PEM: by what the directory's own certificate is known; default: as browsers know it",
        change: "replaces lego",
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
      certificates: rule("a list of up to 200 objects {certificateFile, privateKeyFile}", (e) =>
        z.array(certificateSchema, e).max(200, e),
      )
        .default([])
        .meta({ description: "each serves the hosts that it has names for", change: "reloads" }),
      acme: acmeSchema
        .optional()
        .meta({ description: "certificates that are got from an authority, see below", change: "replaces balancer" }),
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

/** What of other settings TLS has to fit. */
interface Answered {
  readonly apps: readonly { readonly hosts: readonly string[]; readonly paths?: readonly string[] }[];
  readonly redirects: readonly { readonly from: string }[];
}

/** What is wrong with TLS that a look at one value doesn't show. */
export function problemsOfTls(tls: TlsSettings, answered: Answered, context: CertificateContext): Problem[] {
  const problems: Problem[] = [];
  const certificates: Certificate[] = [];
  for (const [index, each] of tls.certificates.entries()) {
    const reading = readCertificate(each, context);
    if ("certificate" in reading) certificates.push(reading.certificate);
    else problems.push({ path: ["tls", "certificates", index, reading.at], expected: reading.expected });
  }
  if (tls.hstsPreload && tls.hsts < preloadSeconds)
    problems.push({ path: ["tls", "hsts"], expected: `at least ${preloadSeconds}, a year, with hstsPreload` });
  // https://hstspreload.org
  if (tls.hstsPreload && !tls.redirect) problems.push({ path: ["tls", "redirect"], expected: "true with hstsPreload" });
  if (tls.certificates.length === 0 && tls.acme === undefined)
    problems.push({ path: ["tls", "certificates"], expected: "at least one, or `acme`" });
  const file = tls.acme?.authorityFile;
  if (file !== undefined && !hasCertificates(context.readFile(file) ?? ""))
    problems.push({ path: ["tls", "acme", "authorityFile"], expected: "a file with a certificate in PEM" });
  if (tls.acme !== undefined) problems.push(...problemsOfChallenges(answered));
  // One that can't be read might have been for any host.
  return certificates.length < tls.certificates.length
    ? problems
    : [...problems, ...problemsOfUse(certificates), ...problemsOfHosts(tls, answered, certificates)];
}

/** Certificates that no client would see. */
function problemsOfUse(certificates: readonly Certificate[]): Problem[] {
  return certificates.flatMap(({ names, kind }, index) => {
    const before = certificates.slice(0, index).filter((other) => other.kind === kind);
    const [first] = certificatesFor(names[0] ?? "", before);
    if (first === undefined || names.some((name) => certificatesFor(name, before).length === 0)) return [];
    const expected = `a certificate for a name that tls.certificates[${certificates.indexOf(first)}] is not for, or one with another kind of key`;
    return { path: ["tls", "certificates", index, "certificateFile"], expected };
  });
}

/** Paths at which an app would stand in an authority's way. */
function problemsOfChallenges({ apps }: Pick<Answered, "apps">): Problem[] {
  const expected = `a path that is not ${challengePath.slice(0, -1)} or below it, where tls.acme answers the authority`;
  return apps.flatMap(({ paths = [] }, index) =>
    paths.flatMap((path, at) =>
      `${path}/`.startsWith(challengePath) ? { path: ["apps", index, "paths", at], expected } : [],
    ),
  );
}

/** A sentence where an authority that browsers know doesn't find the balancer unless something hands its questions on. */
export function askedElsewhere({ tls, port, bindAddress }: Pick<Settings, "tls" | "port" | "bindAddress">): string[] {
  if (tls?.acme === undefined || tls.acme.authorityFile !== undefined) return [];
  if (port === 80 && !/^(?:127\.|::1$)/.test(bindAddress)) return [];
  const own = publicAddress(bindAddress, port);
  return [`The authority of tls.acme asks at port 80 of each host, and the balancer listens at ${own}: what comes there has to be handed on to it.`]; // prettier-ignore
}

/** Why no authority has a certificate for a host; undefined where one may have. */
function whyNone(host: string, { acme }: Pick<TlsSettings, "acme">): string | undefined {
  if (isIP(host) !== 0) return "a name: tls.acme gets no certificate for an address";
  return host.includes(".") || acme?.authorityFile !== undefined
    ? undefined
    : "a name with a dot: an authority that browsers know has no certificate for others";
}

function problemsOfHosts(tls: TlsSettings, answered: Answered, certificates: readonly Certificate[]): Problem[] {
  const { apps, redirects } = answered;
  const { acme } = tls;
  const isCertified = (host: string) => certificatesFor(host, certificates).length > 0;
  const all = certificates.flatMap((certificate) => certificate.names).join(", ");
  const expected = [
    ...(certificates.length > 0 || acme === undefined
      ? [`a name that a certificate of tls.certificates is for: ${all}`]
      : []),
    ...(acme === undefined
      ? []
      : [
          acme.hosts.length > 0
            ? `one of tls.acme.hosts: ${acme.hosts.join(", ")}`
            : "one without *, which tls.acme gets a certificate for",
        ]),
  ].join(", or ");
  const got = acmeHosts(tls, answered, certificates);
  const claimed = hostsOf(answered);
  const hosts = [
    ...apps.flatMap((app, index) => app.hosts.map((host, at) => ({ path: ["apps", index, "hosts", at], host }))),
    ...redirects.map(({ from: host }, index) => ({ path: ["redirects", index, "from"], host })),
  ];
  const isAny = apps.some((app) => app.hosts.length === 0);
  return [
    ...hosts.flatMap(({ path, host }) => {
      // Of names that are listed to be got it is told there.
      const isListed = acme !== undefined && acme.hosts.length > 0;
      const why = !got.includes(host) ? expected : isListed ? undefined : whyNone(host, tls);
      return why === undefined || isCertified(host) ? [] : { path, expected: why };
    }),
    ...(acme?.hosts ?? []).flatMap((host, at) => {
      const path = ["tls", "acme", "hosts", at];
      if (isCertified(host)) return { path, expected: "a name that no certificate of tls.certificates is for" };
      const why = isAny || claimed.includes(host) ? whyNone(host, tls) : "a name that an app or a redirect has";
      return why === undefined ? [] : { path, expected: why };
    }),
    ...(acme !== undefined && got.length === 0
      ? [
          {
            path: ["tls", "acme", "hosts"],
            expected: "at least one name to get a certificate for: no app has `hosts` that lack one",
          },
        ]
      : []),
  ];
}

function hostsOf({ apps, redirects }: Answered): string[] {
  return [...new Set([...apps.flatMap(({ hosts }) => hosts), ...redirects.map(({ from }) => from)])];
}

/** The names that an authority is asked for: it looks for each at its own address, so none with a wildcard (RFC 8555, 8.3). */
function acmeHosts(
  { acme }: Pick<TlsSettings, "acme">,
  answered: Answered,
  certificates: readonly Certificate[],
): string[] {
  if (acme === undefined) return [];
  if (acme.hosts.length > 0) return [...acme.hosts].sort();
  return hostsOf(answered)
    .filter((host) => !host.startsWith("*") && certificatesFor(host, certificates).length === 0)
    .sort();
}

/** Certificates from an authority, as a configuration needs them. */
export interface Acme {
  /** Where they lie on their volume: those of another authority lie elsewhere. */
  readonly folder: string;
  readonly hosts: readonly string[];
}

/** TLS as a configuration needs it. */
export interface Tls extends Omit<TlsSettings, "certificates" | "acme"> {
  readonly certificates: readonly Certificate[];
  readonly acme?: Acme;
}

/** TLS with the certificates that its settings name. */
export function tlsOf({ acme, ...tls }: TlsSettings, answered: Answered, certificates: readonly Certificate[]): Tls {
  return {
    ...tls,
    certificates,
    ...(acme && { acme: { folder: hashValue(acme.directory), hosts: acmeHosts({ acme }, answered, certificates) } }),
  };
}
