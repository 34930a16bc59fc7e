import { createHash, createPrivateKey, X509Certificate } from "node:crypto";
import { nameFor } from "./hosts";

/** A certificate with all that stands above it, as far as a configuration and people have to know it. */
export interface Certificate {
  /** Name of its files on the balancer's volume: its first name, and a hash of certificates and key. */
  readonly name: string;
  /** Host names that it is for, each with a leading `*.` or without. */
  readonly names: readonly string[];
  /** Kind of its key: a host may have a certificate of each. */
  readonly kind: string;
  /** Who has signed it, for people. */
  readonly issuer: string;
  /** When the first of its chain ends, in ISO 8601. */
  readonly until: string;
}

/** A certificate's files, as the config names them. */
export interface CertificateFiles {
  readonly certificateFile: string;
  readonly privateKeyFile: string;
}

/** What a look at files has to ask the outside world. */
export interface CertificateContext {
  /** Text of a file, relative to the program's folder; undefined for one that can't be read. */
  readFile(path: string): string | undefined;
  /** Certificates in PEM that clients trust, in which a chain may end. */
  readonly authorities: () => readonly string[];
  readonly now: Date;
}

/** A certificate with the texts that nginx reads, or what is wrong with one of its files. */
export type CertificateReading =
  | { readonly certificate: Certificate; readonly chain: string; readonly key: string }
  | { readonly at: keyof CertificateFiles; readonly expected: string };

/** Before a certificate ends, this many days are left to get another one without haste. */
export const warningDays = 21;

/** Of an RSA key. nginx takes no certificate with a smaller one: OpenSSL's security level 2, which distributions have. */
const leastBits = 2048;

/**
 * Reads a certificate and its key: it is valid now, they fit, and its chain is whole, in order, and ends where clients know it.
 */
export function readCertificate(files: CertificateFiles, context: CertificateContext): CertificateReading {
  const wrong = (at: keyof CertificateFiles, expected: string) => ({ at, expected });
  const pem = context.readFile(files.certificateFile);
  if (pem === undefined) return wrong("certificateFile", "a file that can be read");
  const chain = parseChain(pem);
  const [leaf] = chain ?? [];
  if (chain === undefined || leaf === undefined)
    return wrong("certificateFile", "certificates in PEM: -----BEGIN CERTIFICATE----- ...");
  const names = namesOf(leaf);
  const problem = problemOf(chain, names, context);
  if (problem !== undefined) return wrong("certificateFile", problem);
  const key = context.readFile(files.privateKeyFile);
  if (key === undefined) return wrong("privateKeyFile", "a file that can be read");
  const fits = keyFits(leaf, key);
  if (fits !== true) return wrong("privateKeyFile", fits);

  const sent = chain.filter(isSent).map((one) => one.toString());
  const text = sent.join("");
  const hash = createHash("sha256")
    .update(text)
    .update(leaf.publicKey.export({ type: "spki", format: "der" }));
  return {
    certificate: {
      name: `${nameFor(names[0] ?? "")}-${hash.digest("hex").slice(0, 16)}`,
      names,
      kind: leaf.publicKey.asymmetricKeyType ?? "",
      issuer: shown(leaf.issuer),
      until: new Date(Math.min(...chain.map(({ validTo }) => Date.parse(validTo)))).toISOString(),
    },
    chain: text,
    key: `${key.trim()}\n`,
  };
}

/** What people are told of a certificate in PEM that is in use. */
export function lookAt(pem: string): Pick<Certificate, "issuer" | "until"> {
  const { issuer, validTo } = new X509Certificate(pem);
  return { issuer: shown(issuer), until: new Date(validTo).toISOString() };
}

/** The certificates that a host may be served with: the first of each kind of key. */
export function certificatesFor<C extends Pick<Certificate, "names" | "kind">>(
  host: string,
  certificates: readonly C[],
): C[] {
  const covering = certificates.filter(({ names }) => names.some((name) => covers(name, host)));
  return covering.filter(({ kind }, index) => covering.findIndex((other) => other.kind === kind) === index);
}

/** Whether a name of a certificate is one for a host: a wildcard stands for one label (RFC 9525, 6.3). */
function covers(name: string, host: string): boolean {
  return name === host || (name.startsWith("*.") && !host.startsWith("*") && host.replace(/^[^.]+/, "*") === name);
}

/** A sentence for each certificate that ends soon. */
export function endingSoon(certificates: readonly Pick<Certificate, "names" | "until">[], now: Date): string[] {
  return certificates.flatMap(({ names, until }) => {
    const days = daysLeft(until, now);
    return days < warningDays ? `The certificate of ${names.join(", ")} ends in ${days} days, on ${day(until)}.` : [];
  });
}

/** Whole days from now until then. */
export function daysLeft(until: string, now: Date): number {
  return Math.floor((Date.parse(until) - now.getTime()) / 86_400_000);
}

/** Whether a text has certificates in PEM, all of them whole. */
export function hasCertificates(pem: string): boolean {
  return (parseChain(pem) ?? []).length > 0;
}

function parseChain(pem: string): X509Certificate[] | undefined {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  try {
    return blocks.map((block) => new X509Certificate(block));
  } catch {
    return undefined;
  }
}

/** Those that a host may have: a certificate's name is any text. */
function namesOf({ subjectAltName = "" }: X509Certificate): string[] {
  const names = [...subjectAltName.matchAll(/(?:^|, )DNS:([^,]+)/g)].map(([, name = ""]) => name.toLowerCase());
  return names.filter((name) => /^(?:\*\.)?[a-z0-9_-]+(?:\.[a-z0-9_-]+)*$/.test(name));
}

function problemOf(
  chain: readonly X509Certificate[],
  names: readonly string[],
  { authorities, now }: CertificateContext,
): string | undefined {
  if (names.length === 0) return "a certificate for host names (subjectAltName)";
  for (const [index, one] of chain.entries()) {
    const { validFrom, validTo, publicKey } = one;
    const whose = index === 0 ? names.join(", ") : shown((chain[index] as X509Certificate).subject);
    if (Date.parse(validTo) <= now.getTime())
      return `a certificate that is valid now: that of ${whose} has ended on ${day(validTo)}`;
    if (Date.parse(validFrom) > now.getTime())
      return `a certificate that is valid now: that of ${whose} begins on ${day(validFrom)}`;
    const bits = publicKey.asymmetricKeyDetails?.modulusLength;
    if (bits !== undefined && bits < leastBits && isSent(one, index))
      return `an RSA key of at least ${leastBits} bits: that of ${whose} has ${bits}`;
  }
  for (const [index, above] of chain.slice(1).entries()) {
    const below = chain[index] as X509Certificate;
    if (!isSignedBy(below, above))
      return `each certificate followed by the one that has signed it: ${shown(below.subject)} is signed by ${shown(below.issuer)}, and followed by ${shown(above.subject)}`;
  }
  const last = chain[chain.length - 1] as X509Certificate;
  const isKnown = () =>
    authorities()
      .map((pem) => new X509Certificate(pem))
      .some((authority) => isSignedBy(last, authority));
  if (isSelfSigned(last) || isKnown()) return undefined;
  return `the whole chain: the certificate of ${shown(last.issuer)} is missing, which has signed that of ${shown(last.subject)}, and is no authority that is known here`;
}

function isSignedBy(certificate: X509Certificate, by: X509Certificate): boolean {
  return certificate.checkIssued(by) && certificate.verify(by.publicKey);
}

/** Whether nginx sends one of a chain: an authority that signs itself, clients have themselves. */
function isSent(one: X509Certificate, index: number): boolean {
  return index === 0 || !isSelfSigned(one);
}

function isSelfSigned(certificate: X509Certificate): boolean {
  return isSignedBy(certificate, certificate);
}

/** Whether a key is a certificate's; what is expected where it isn't. */
function keyFits(leaf: X509Certificate, pem: string): true | string {
  try {
    return leaf.checkPrivateKey(createPrivateKey(pem)) || `the key of the certificate of ${namesOf(leaf).join(", ")}`;
  } catch (error) {
    const isLocked = /ENCRYPTED/.test(pem) || (error as NodeJS.ErrnoException).code === "ERR_MISSING_PASSPHRASE";
    return isLocked ? "a key without a passphrase, for which nginx could not ask" : "a private key in PEM";
  }
}

/** A name of X.509 on one line. */
function shown(name: string): string {
  return name.split("\n").reverse().join(", ");
}

function day(date: string): string {
  return `${new Date(date).toISOString().slice(0, 16).replace("T", " ")} UTC`;
}
