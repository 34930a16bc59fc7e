/** Why set-up could not go on, and what helps; the message is for the user as it is. */
export class SetupError extends Error {
  readonly exitCode: number = 1;

  constructor(cause: string, remedy: string) {
    super(`${cause}\n  Remedy: ${remedy}`);
    this.name = "SetupError";
  }
}

/** Ctrl-C. Exit code 130, as shells report it. */
export class Interrupted extends Error {
  readonly exitCode: number = 130;

  constructor() {
    super("interrupted; what was finished stays, and the next run goes on from there");
    this.name = "Interrupted";
  }
}
