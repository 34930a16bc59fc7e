import { readFileSync } from "node:fs";
import { rootCertificates } from "node:tls";
import { UserError } from "../lib/errors";
import { readCertificate, type CertificateContext, type CertificateFiles } from "../model/certificates";
import type { ReleaseFile } from "../model/release";
import { usersName } from "../model/policies/users";
import { routesOf, type Topology } from "../model/topology";

/** The files of this machine, and the authorities that browsers know. */
export const certificateContext: CertificateContext = {
  readFile(path) {
    try {
      return readFileSync(path, "utf8");
    } catch {
      return undefined;
    }
  },
  authorities: () => [
    ...rootCertificates,
    ...(certificateContext
      .readFile(process.env["NODE_EXTRA_CA_CERTS"] ?? "")
      ?.match(/-----BEGIN[^-]+-----[^-]+-----END[^-]+-----/g) ?? []),
  ],
  get now() {
    return new Date();
  },
};

/**
 * Reads certificates with their keys.
 *
 * @throws UserError where something is wrong with one of them
 */
export function readCertificates(files: readonly CertificateFiles[] = []) {
  return files.map((each) => {
    const reading = readCertificate(each, certificateContext);
    if ("certificate" in reading) return reading;
    throw new UserError(`${each[reading.at]}: expected ${reading.expected}`);
  });
}

/** Where files of users are read from, and what makes the names that they have in a release. */
export interface UsersFiles {
  readonly paths: readonly string[];
  readonly key: string;
}

/**
 * What nginx reads beside a release's own files: certificates with their keys, and users, which come from their files at this
 * moment and are kept nowhere else.
 *
 * @throws UserError where the files are not those that the topology was made from
 */
export function attachmentsOf(
  topology: Partial<Pick<Topology, "tls" | "sites">>,
  files: readonly CertificateFiles[] = [],
  users: UsersFiles = { paths: [], key: "" },
): ReleaseFile[] {
  return [...certificatesOf(topology, files), ...usersOf(topology, users)];
}

function usersOf(topology: Partial<Pick<Topology, "sites">>, { paths, key }: UsersFiles): ReleaseFile[] {
  const texts = paths.map((path) => certificateContext.readFile(path) ?? "");
  const found = new Map(texts.map((text) => [usersName(text, key), text]));
  const names = routesOf(topology).flatMap(({ policy }) => policy?.access?.users ?? []);
  return [...new Set(names)].map((name) => {
    const text = found.get(name);
    if (text === undefined)
      throw new UserError(`A file of users is another one than in the preview (${paths.join(", ")}): run \`pulumi up\` again.`); // prettier-ignore
    return { name, text: `${text.trimEnd()}\n` };
  });
}

function certificatesOf({ tls }: Partial<Pick<Topology, "tls">>, files: readonly CertificateFiles[]): ReleaseFile[] {
  const readings = readCertificates(files);
  return (tls?.certificates ?? []).flatMap(({ name, names }) => {
    const reading = readings.find(({ certificate }) => certificate.name === name);
    if (reading === undefined)
      throw new UserError(
        `The certificate of ${names.join(", ")} or its key is another one than in the preview: run \`pulumi up\` again.`,
      );
    return [
      { name: `${name}.crt`, text: reading.chain },
      { name: `${name}.key`, text: reading.key },
    ];
  });
}
