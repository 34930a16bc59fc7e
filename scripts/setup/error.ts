import { Interrupted as AnyInterrupted, UserError } from "../../lib/errors";

/** Why set-up could not go on, and what helps; the message is for the user as it is. */
export class SetupError extends UserError {
  override readonly name = "SetupError";

  constructor(cause: string, remedy: string) {
    super(`${cause}\n  Remedy: ${remedy}`);
  }
}

/** Ctrl-C in set-up. */
export class Interrupted extends AnyInterrupted {
  constructor() {
    super("interrupted; what was finished stays, and the next run goes on from there");
  }
}
