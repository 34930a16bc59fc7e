import { isIP } from "node:net";
import { generate } from "selfsigned";

/** A certificate and its key, in PEM. */
export interface Certified {
  readonly certificate: string;
  readonly key: string;
}

type Kind = "ec" | "rsa";

interface Life {
  readonly from?: Date;
  readonly until?: Date;
  /** Bits of an RSA key. */
  readonly keySize?: number;
}

const day = 86_400_000;
export const daysFromNow = (days: number): Date => new Date(Date.now() + days * day);

/** An authority: of its own, or one below another. */
export async function authority(
  name: string,
  by?: Certified,
  { kind = "ec", ...life }: Life & { kind?: Kind } = {},
): Promise<Certified> {
  return make(name, by, life, kind, [
    { name: "basicConstraints", cA: true, critical: true },
    { name: "keyUsage", keyCertSign: true, cRLSign: true, critical: true },
  ]);
}

/** A certificate for host names and addresses, its key of the kind that the authority's is. Default: by itself, from yesterday on for 90 days. */
export async function certificateOf(
  names: readonly string[],
  by?: Certified,
  { kind = "ec", ...life }: Life & { kind?: Kind } = {},
): Promise<Certified> {
  return make(names[0] ?? "nameless", by, life, kind, [
    { name: "basicConstraints", cA: false },
    { name: "extKeyUsage", serverAuth: true },
    ...(names.length === 0 ? [] : [{ name: "subjectAltName" as const, altNames: names.map(altName) }]),
  ]);
}

function altName(name: string) {
  return isIP(name) === 0 ? { type: 2 as const, value: name } : { type: 7 as const, ip: name };
}

async function make(
  name: string,
  by: Certified | undefined,
  { from = daysFromNow(-1), until = daysFromNow(90), keySize = 2048 }: Life,
  keyType: Kind,
  extensions: NonNullable<NonNullable<Parameters<typeof generate>[1]>["extensions"]>,
): Promise<Certified> {
  const { cert, private: key } = await generate([{ name: "commonName", value: name }], {
    keyType,
    keySize,
    algorithm: "sha256",
    notBeforeDate: from,
    notAfterDate: until,
    extensions,
    ...(by && { ca: { cert: by.certificate, key: by.key } }),
  });
  return { certificate: cert, key };
}
