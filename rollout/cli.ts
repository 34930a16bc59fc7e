import { randomBytes, randomUUID } from "node:crypto";
import { createRequire } from "node:module";
import { text as readAll } from "node:stream/consumers";
import { messageOf, UserError } from "../lib/errors";
import { unpack } from "../lib/pack";
import { schemaVersion, type Change } from "../model/release";
import { watchAsker, whoAsks } from "./asker";
import { runBeforeSwitch, type Preparation } from "./before-switch";
import { removeRest, removeServing } from "./destroy";
import { pull } from "./pinned-images";

type Environment = Readonly<Record<string, string | undefined>>;

/** The commands that the engine's steps run, with what they need in their environment; results go to standard output. */
const commands: Readonly<Record<string, (env: Environment) => Promise<string>>> = {
  /** Brings the release in that RELEASE describes; nginx's text, as it was previewed, comes on standard input. USERS_KEY is there where users are, SETTINGS where the history keeps them. */
  install: async (env) => {
    // Loaded here alone: that takes longer than the other steps do.
    const { install } = createRequire(__filename)("./install") as typeof import("./install");
    const { USERS_KEY: usersKey = "", SETTINGS: settings } = env;
    const given = { previewed: await readAll(process.stdin), usersKey, settings };
    return JSON.stringify(await install(readChange(need(env, "RELEASE")), given, log));
  },
  /** The first step of a destroy. The engine takes it, too, when it has replaced the step that installs: then nothing is to end. */
  remove: async (env) => {
    const { destination, policy } = readChange(need(env, "RELEASE"));
    const [, at] = /"at":"([^"]+)"/.exec(env["PULUMI_COMMAND_STDOUT"] ?? "") ?? [];
    await removeServing(destination, policy.drainSeconds, (signature) => signature !== at);
    return "";
  },
  /** Runs what an app's release asks for, unless it has; tells the releases for which it has. */
  "before-switch": async (env) => {
    const [app, hash, container, stack] = ["APP", "HASH", "CONTAINER", "STACK"].map((name) => need(env, name));
    const { PULUMI_COMMAND_STDOUT: before = "" } = env;
    const ran = before === "" ? [] : (JSON.parse(before) as string[]);
    const asker = { log, isLeft: watchAsker() };
    return JSON.stringify(await runBeforeSwitch({ app, hash, container, stack } as Preparation, ran, asker));
  },
  /** Has Docker's host get the image that PINNED names, and tells its id. */
  pull: (env) => pull(need(env, "PINNED"), log),
  /** The last step of a destroy. */
  "remove-rest": async (env) => {
    await removeRest(need(env, "STACK"));
    return "";
  },
  /** The identity of a stack, who has given it, and the one that it takes over: made once, kept in the engine's state. */
  identity: ({ ADOPT = "", PULUMI_COMMAND_STDOUT = "" }) => {
    const made = `${randomUUID()} ${whoAsks()}`;
    const [owner = "", by = ""] = (PULUMI_COMMAND_STDOUT === "" ? made : PULUMI_COMMAND_STDOUT).split(" ");
    return Promise.resolve(`${owner} ${by} ${ADOPT}`);
  },
  /** What keeps secret values from being guessed by their hashes: made once, kept in the engine's state. */
  key: () => Promise.resolve(randomBytes(32).toString("hex")),
};

function need(env: Environment, name: string): string {
  const value = env[name];
  if (value === undefined) throw new UserError(`${name} is not set: this is run by the program, not by hand.`);
  return value;
}

function readChange(text: string): Change {
  const { schema, ...change } = JSON.parse(unpack(text)) as Omit<Change, "schema"> & { readonly schema: number };
  if (schema !== schemaVersion)
    throw new UserError(`RELEASE: got schema ${schema}, expected ${schemaVersion}: another version made it.`);
  return { ...change, schema };
}

function log(line: string): void {
  process.stderr.write(`${line}\n`);
}

async function main([name = "", ...rest]: readonly string[]): Promise<void> {
  const command = commands[name];
  if (command === undefined || rest.length > 0)
    throw new UserError(
      `command: got ${[name, ...rest].join(" ")}, expected one of ${Object.keys(commands).join(", ")}`,
    );
  process.stdout.write(await command(process.env));
}

main(process.argv.slice(2)).catch((error: unknown) => {
  log(messageOf(error));
  process.exitCode = 1;
});
