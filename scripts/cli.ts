import { createInterface } from "node:readline/promises";
import { setTimeout as pause } from "node:timers/promises";
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
  return parseWords(args, options, help, 0).values;
}

/**
 * The same, and the words beside them.
 *
 * @param most how many there may be
 * @throws UserError (exit code 2), also for a word too many
 */
export function parseWords<T extends NonNullable<ParseArgsConfig["options"]>>(
  args: string[],
  options: T,
  help: string,
  most: number,
) {
  const all = { ...options, help: { type: "boolean", short: "h" } } as const;
  try {
    const { values, positionals } = parseArgs({ args, options: all, strict: true, allowPositionals: most > 0 });
    if ((values as { help?: boolean }).help === true) {
      process.stdout.write(help);
      process.exit(0);
    }
    if (positionals.length > most) throw new Error(`Unexpected argument '${positionals[most]}'`);
    return { values, words: positionals };
  } catch (error) {
    throw new UserError(`${messageOf(error)}\n\n${help}`, 2);
  }
}

/** Asks whoever sits at the terminal; Ctrl-C and Ctrl-D are a no, as anything but a yes is. */
export async function isConfirmed(question: string): Promise<boolean> {
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  const end = new AbortController();
  terminal.on("SIGINT", () => end.abort()).on("close", () => end.abort());
  const answer = await terminal
    .question(`${question} [y/N] `, { signal: end.signal })
    .catch(() => "")
    .finally(() => terminal.close());
  return /^y(es)?$/i.test(answer.trim());
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

/** Does what goes on until Ctrl-C: from then on, what fails fails for that, since Ctrl-C reaches what was started, too. */
export async function orInterrupted(signal: AbortSignal, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    // Which of both has heard of it first?
    await pause(200);
    if (!signal.aborted) throw error;
  }
}

/** Runs a script's main function; a known error is shown as it is, any other with its stack, and both set the exit code. */
export function runMain(main: (args: string[]) => Promise<void>): void {
  main(process.argv.slice(2)).catch((error: unknown) => {
    const { text, exitCode } = failureOf(error);
    process.stderr.write(`${text}\n`);
    process.exitCode = exitCode;
  });
}
