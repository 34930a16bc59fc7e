import { runChecks } from "./checks";
import { parseOptions, runMain } from "./cli";

runMain(async (args) => {
  parseOptions(
    args,
    {},
    "Usage: npm run check\n\nChecks types, lint and format. Changes nothing; npm run format mends.\n",
  );
  await runChecks();
});
