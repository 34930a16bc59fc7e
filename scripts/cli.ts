import { parseArgs, type ParseArgsConfig } from "node:util";
import { failureOf, Interrupted, messageOf, UserError } from "../lib/errors";

export { UserError } from "../lib/errors";

/**
 * Parses a script's options; `--help` prints the help and ends.
 *
 * @throws UserError (exit code 2) that names an unknown option
 */
export function parseOptions<T extends NonNullable<ParseArgsConfig["options"]>>(
  args: string[],
  options: T,
  help: string,
) {
  const all = { ...options, help: { type: "boolean", short: "h" } } as const;
  try {
    const { values } = parseArgs({ args, options: all, strict: true });
    if ((values as { help?: boolean }).help === true) {
      process.stdout.write(help);
      process.exit(0);
    }
    return values;
  } catch (error) {
    throw new UserError(`${messageOf(error)}\n\n${help}`, 2);
  }
}

/**
 * Takes the options of this project out of those that go to another program; `--help` prints the help and ends.
 *
 * @throws UserError (exit code 2) when `--stack` has no name
 */
export function takeOptions(
  args: readonly string[],
  help: string,
): { readonly stack: string; readonly install: boolean; readonly rest: readonly string[] } {
  let stack = "dev";
  let install = true;
  const rest: string[] = [];
  for (let index = 0; index < args.length; index += 1) {
    const argument = args[index] ?? "";
    const name = /^(?:--stack=(.*)|--stack|-s)$/.exec(argument);
    if (argument === "--help" || argument === "-h") {
      process.stdout.write(help);
      process.exit(0);
    } else if (argument === "--no-install") install = false;
    else if (name) {
      stack = name[1] ?? args[++index] ?? "";
      if (!/^[\w.][\w./-]*$/.test(stack))
        throw new UserError(`--stack: got ${JSON.stringify(stack)}, expected a stack's name\n\n${help}`, 2);
    } else rest.push(argument);
  }
  return { stack, install, rest };
}

/**
 * The value of an option that is a number.
 *
 * @throws UserError (exit code 2) that names the option and the range, both of whose ends are included
 */
export function parseInteger(option: string, text: string, least: number, most: number): number {
  const number = Number(text);
  if (!Number.isInteger(number) || number < least || number > most)
    throw new UserError(`--${option}: got ${text}, expected an integer from ${least} to ${most}`, 2);
  return number;
}

/** Aborts at Ctrl-C and SIGTERM, which from then on end this process no more: it ends when its work has. */
export function untilInterrupted(): AbortSignal {
  const interruption = new AbortController();
  const interrupt = () => interruption.abort(new Interrupted());
  process.on("SIGINT", interrupt).on("SIGTERM", interrupt);
  return interruption.signal;
}

/** Runs a script's main function; a known error is shown as it is, any other with its stack, and both set the exit code. */
export function runMain(main: (args: string[]) => Promise<void>): void {
  main(process.argv.slice(2)).catch((error: unknown) => {
    const { text, exitCode } = failureOf(error);
    process.stderr.write(`${text}\n`);
    process.exitCode = exitCode;
  });
}
