import { styleText } from "node:util";
import { setTimeout as pause } from "node:timers/promises";
import { orInterrupted, parseOptions, runMain, untilInterrupted } from "./cli";
import { readOutputs } from "./pulumi";
import { stackLabelOf } from "./status";
import { Watch } from "./watch/observe";
import { draw } from "./watch/screen";

const help = `Usage: npm run watch [-- --stack NAME] [--json]

Shows a stack each second, until Ctrl-C: requests and errors a second and how long they took, by site and backend, connections, and
the step of a change that goes on. That takes \`metrics\` in the config (docs/observability/metrics.md). Changes nothing.

  --stack NAME   the stack, default dev
  --json         one object a second, for machines: npm run --silent watch -- --json

Exit code 1 when there is no such stack, or nothing runs on it.
`;

async function main(args: string[]): Promise<void> {
  const { stack = "dev", json = false } = parseOptions(
    args,
    { stack: { type: "string" }, json: { type: "boolean" } },
    help,
  );
  const signal = untilInterrupted();
  const { url, exporters } = await readOutputs(stack);
  const watch = new Watch(
    stackLabelOf(stack),
    exporters.map((one) => one.url),
  );
  const out = process.stdout;
  // Whoever reads may have enough.
  out.on("error", () => process.exit(0));
  const isScreen = !json && out.isTTY;
  if (isScreen) out.write("\x1b[?1049h\x1b[?25l");
  try {
    await orInterrupted(signal, async () => {
      while (!signal.aborted) {
        const begun = Date.now();
        const watched = await watch.look();
        if (json) out.write(`${JSON.stringify({ url, ...watched })}\n`);
        else {
          const lines = draw(url, watched, isScreen ? out.rows : Infinity, isScreen ? styleText : (_, text) => text);
          out.write(
            isScreen ? `\x1b[H${lines.map((line) => `${line}\x1b[K\n`).join("")}\x1b[J` : `${lines.join("\n")}\n\n`,
          );
        }
        await pause(Math.max(0, begun + 1000 - Date.now()), undefined, { signal }).catch(() => undefined);
      }
    });
  } finally {
    if (isScreen) out.write("\x1b[?25h\x1b[?1049l");
  }
}

if (require.main === module) runMain(main);
