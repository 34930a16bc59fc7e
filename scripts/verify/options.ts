import { basename, resolve } from "node:path";
import { parseOptions, UserError } from "../cli";

export const help = `Usage: npm run verify [-- OPTIONS]

Proves on your own running stack that a change loses no request: puts a load on the balancer, changes the stack under it,
and counts. Each step is a real \`pulumi up\`:

  steady            no change, for reference
  scale up, down    two backends more, and back (the other way round near the limit of 200); left out where each app has a
                    count of its own
  roll              every backend replaced by one with another label
  refused config    directives that nginx refuses: the update has to fail and to change nothing
  killed backend    SIGKILL for one of those that the load asks, then its container is started again; an answer that it has begun can't be
                    retried, so it is reported, but not held against it
  replaced balancer another nginx container, beside the one before it
  restore           the stack as it was before

The stack's config file is never written: the changes are made from copies of it. The stack is put back after a failure,
too, and after Ctrl-C. Beware that backends are replaced and one is killed: on apps with state of their own that is not
for nothing.

  --stack NAME         the stack, default dev; it has to run and to be up to date
  --path PATH          what the load GETs; has to answer 200. Default: the first path of that name, / for most
  --host NAME          the name that it asks for. Default: any, or the first one where every app has names
  --post PATH          POSTs there, too; has to answer 200. Without it the load has no POSTs. A POST that a killed backend
                       has already received is not repeated, so those are reported, but not held against it
  --clients N          requests at a time, 2 to 64, default 8: half on kept connections, half with one for each; where TLS is
                       asked, a third as streams of one HTTP/2 connection
  --seconds N          ends the whole after so many seconds, 10 to 7200, default 900; putting the stack back comes on top
  --config-file FILE   the stack's config file, default Pulumi.NAME.yaml
  --json               the result for machines, on standard output: npm run --silent verify -- --json

The load goes to the balancer's own address on this host, nowhere else: to that of TLS where the name has a certificate, which
need be no known authority's. Progress goes to standard error.
Exit code 0 when nothing was lost and every step did what it should, 130 after Ctrl-C, 2 for a bad option, 1 otherwise.
`;

export interface VerifyOptions {
  readonly stack: string;
  /** What is asked with GET; undefined for the first page. */
  readonly path: string | undefined;
  /** Name that is asked for; undefined for the first one. */
  readonly host: string | undefined;
  /** What is asked with POST; undefined for no POSTs. */
  readonly post: string | undefined;
  /** Requests at a time. */
  readonly clients: number;
  /** Limit for the whole. */
  readonly seconds: number;
  /** The stack's config file; undefined for the engine's own choice. */
  readonly configFile: string | undefined;
  readonly json: boolean;
}

/**
 * Reads the command line.
 *
 * @throws UserError (exit code 2) that names every bad option, its value and what is allowed
 */
export function parseVerifyOptions(args: string[]): VerifyOptions {
  const values = parseOptions(
    args,
    {
      stack: { type: "string", default: "dev" },
      path: { type: "string" },
      host: { type: "string" },
      post: { type: "string" },
      clients: { type: "string", default: "8" },
      seconds: { type: "string", default: "900" },
      "config-file": { type: "string" },
      json: { type: "boolean", default: false },
    },
    help,
  );
  const { stack, path, host, post, clients, seconds, "config-file": configFile, json } = values;
  const problems = [
    ...(/^[\w./-]+$/.test(basename(stack)) ? [] : [`--stack: got ${show(stack)}, expected a stack's name`]),
    ...(path === undefined ? [] : badPath("--path", path)),
    ...(post === undefined ? [] : badPath("--post", post)),
    ...badInteger("--clients", clients, 2, 64),
    ...badInteger("--seconds", seconds, 10, 7200),
  ];
  if (problems.length > 0) throw new UserError(problems.join("\n"), 2);
  return {
    stack,
    path,
    host,
    post,
    clients: Number(clients),
    seconds: Number(seconds),
    configFile: configFile === undefined ? undefined : resolve(configFile),
    json,
  };
}

function badPath(option: string, value: string): string[] {
  return /^\/[\x21-\x7e]*$/.test(value) ? [] : [`${option}: got ${show(value)}, expected a path that starts with /`];
}

function badInteger(option: string, value: string, from: number, to: number): string[] {
  const valid = /^\d+$/.test(value) && Number(value) >= from && Number(value) <= to;
  return valid ? [] : [`${option}: got ${show(value)}, expected an integer from ${from} to ${to}`];
}

const show = (value: string) => JSON.stringify(value);
