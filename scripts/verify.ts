import { runMain, UserError } from "./cli";
import { parseVerifyOptions } from "./verify/options";
import { Progress } from "./verify/progress";
import { formatReport } from "./verify/report";
import { verify } from "./verify/run";

const interruptedCode = 130;

async function main(args: string[]): Promise<void> {
  const options = parseVerifyOptions(args);
  const progress = new Progress(process.stderr);
  const end = new AbortController();
  let interrupted = false as boolean; // a signal sets it
  const interrupt = () => {
    progress.note(
      interrupted ? "Please wait: the stack is being put back." : "Interrupted: ending, with the stack as it was.",
    );
    interrupted = true;
    end.abort(new UserError("interrupted", interruptedCode));
  };
  process.on("SIGINT", interrupt).on("SIGTERM", interrupt);
  const timer = setTimeout(
    () => end.abort(new UserError(`not done within ${options.seconds} s`)),
    options.seconds * 1000,
  );
  try {
    const report = await verify(options, progress, end.signal);
    process.stdout.write(`${options.json ? JSON.stringify(report, undefined, 2) : formatReport(report)}\n`);
    if (!report.ok) process.exitCode = 1;
  } finally {
    clearTimeout(timer);
    process.off("SIGINT", interrupt).off("SIGTERM", interrupt);
    if (interrupted) process.exitCode = interruptedCode;
  }
}

if (require.main === module) runMain(main);
