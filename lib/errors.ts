/** An error whose message is for the one who runs the program, as it is: no bug, so nobody needs its stack. */
export class UserError extends Error {
  override readonly name: string = "UserError";

  /** @param exitCode what the program ends with: 1, or 2 for a bad option */
  constructor(
    message: string,
    readonly exitCode = 1,
  ) {
    super(message);
  }
}

/** Ctrl-C. Exit code 130, as shells report it. */
export class Interrupted extends UserError {
  override readonly name = "Interrupted";

  constructor(message = "interrupted") {
    super(message, 130);
  }
}

/** What went wrong, in words: anything may be thrown, and errors of the network may have a code and no message. */
export function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error.message) return error.message;
  if (error instanceof AggregateError && error.errors.length > 0) return error.errors.map(messageOf).join("; ");
  return (error as NodeJS.ErrnoException).code ?? error.name;
}

/** What a program says and ends with when an error has ended it: of a bug, where it is. */
export function failureOf(error: unknown): { readonly text: string; readonly exitCode: number } {
  if (error instanceof UserError) return { text: error.message, exitCode: error.exitCode };
  return { text: error instanceof Error && error.stack ? error.stack : messageOf(error), exitCode: 1 };
}
