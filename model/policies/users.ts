import { keyedHash } from "../../lib/tree-hash";

/** Most rounds of hashes, so that one check keeps a worker of nginx from everything else for 50 ms at most. */
const most = { bcrypt: 10, sha512: 100_000 };

const bcrypt = /^\$2[aby]\$(\d\d)\$[./A-Za-z0-9]{53}$/;
const sha512 = /^\$6\$(?:rounds=(\d{4,9})\$)?[./A-Za-z0-9]{1,16}\$[./A-Za-z0-9]{86}$/;

/**
 * What is wrong with a file of users, without a word of it but its lines' numbers; undefined where nothing is.
 *
 * @param text lines NAME:HASH; `#` begins one that is none
 */
export function problemOfUsers(text: string): string | undefined {
  const lines = text.split(/\r?\n/).flatMap((line, at) => (line === "" || line.startsWith("#") ? [] : { line, at }));
  if (lines.length === 0) return "a file with at least one line NAME:HASH";
  const names = new Map<string, number>();
  for (const { line, at } of lines) {
    const [, name, hash = ""] = /^([\x21-\x39\x3b-\x7e]{1,100}):(.*)$/.exec(line) ?? [];
    const where = `in line ${at + 1} of it`;
    if (name === undefined) return `NAME:HASH ${where}`;
    const first = names.get(name);
    if (first !== undefined) return `another name than that of line ${first} ${where}`;
    names.set(name, at + 1);
    const [, cost] = bcrypt.exec(hash) ?? [];
    const [isSha512, rounds = "5000"] = sha512.exec(hash) ?? [];
    if (cost === undefined && isSha512 === undefined)
      return `a hash of bcrypt ($2y$, $2b$, $2a$) or SHA-512 crypt ($6$) ${where}`;
    if (cost !== undefined && (Number(cost) < 4 || Number(cost) > most.bcrypt))
      return `bcrypt with a cost from 4 to ${most.bcrypt} ${where}: nginx checks it at each request`;
    if (isSha512 !== undefined && (Number(rounds) < 1000 || Number(rounds) > most.sha512))
      return `SHA-512 crypt with 1000 to ${most.sha512} rounds ${where}: nginx checks it at each request`;
  }
  return undefined;
}

/**
 * Name of a file of users in a release: another one with another text, which nobody can guess by it.
 *
 * @param key kept with the secrets
 */
export function usersName(text: string, key: string): string {
  return `users-${keyedHash(text, key).slice(0, 16)}`;
}

/** What of settings names files of users. */
interface Named {
  readonly access: readonly { readonly users?: string | undefined }[];
}

/** The files of users that settings name, each once. */
export function usersFiles({ access }: Named): string[] {
  return [...new Set(access.flatMap(({ users }) => users ?? []))];
}

/**
 * Settings with the names of the files of users in a release in place of those of the config.
 *
 * @param readFile the text of a file by its path; undefined where there is none that can be read
 */
export function withUsers<T extends Named>(
  settings: T,
  key: string,
  readFile: (path: string) => string | undefined,
): T {
  const access = settings.access.map((entry) =>
    entry.users === undefined ? entry : { ...entry, users: usersName(readFile(entry.users) ?? "", key) },
  );
  return { ...settings, access };
}
