import { parseArgs, type ParseArgsConfig } from "node:util";
import { Interrupted, SetupError } from "./setup/index";

/** An error whose message is for the user as it is. */
export class UserError extends Error {
  constructor(
    message: string,
    readonly exitCode = 1,
  ) {
    super(message);
  }
}

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
    throw new UserError(`${(error as Error).message}\n\n${help}`, 2);
  }
}

/** Runs a script's main function; a known error is shown as it is, any other with its stack, and both set the exit code. */
export function runMain(main: (args: string[]) => Promise<void>): void {
  main(process.argv.slice(2)).catch((error: unknown) => {
    const known = error instanceof UserError || error instanceof SetupError || error instanceof Interrupted;
    process.stderr.write(`${known ? error.message : String((error as Error).stack)}\n`);
    process.exitCode = known ? error.exitCode : 1;
  });
}
