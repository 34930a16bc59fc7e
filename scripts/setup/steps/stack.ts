import { chmod, rm, writeFile } from "node:fs/promises";
import { userInfo } from "node:os";
import { join } from "node:path";
import { lastWords, type Ended, type Run } from "../../../lib/process";
import { SetupError } from "../error";
import { isExecutable, isPrivate, readIfThere } from "../files";
import { neededStandIns, presentImages, stackName } from "../images";
import { projectRoot, pulumiBinary, pulumiEnv, standInsFile } from "../project";
import type { Step } from "../step";

interface StackSummary {
  readonly name: string;
  readonly current: boolean;
}

/**
 * Where the engine keeps stacks' states: `backend.url` in Pulumi.yaml, whose ~ it takes from the user's entry, not from HOME. Where
 * PULUMI_BACKEND_URL names another place, that one is the user's own.
 */
const stateHome = join(userInfo().homedir, ".pulumi");

/** Stack `dev`, selected unless the user has selected another one, and the names of base images that were built. */
export function stackStep(run: Run): Step {
  const pulumi = (args: readonly string[]): Promise<Ended> =>
    run(pulumiBinary(), [...args, "--non-interactive"], { cwd: projectRoot, env: pulumiEnv() });

  const stacks = async (): Promise<StackSummary[]> => {
    const { outcome, stdout } = await pulumi(["stack", "ls", "--json"]);
    return outcome === "succeeded" ? (JSON.parse(stdout) as StackSummary[]) : [];
  };

  /** What config.ts takes for the defaults of the image settings. The stack's own file is the user's. */
  const standInsText = async () => {
    const needed = neededStandIns(await presentImages(run));
    return Object.keys(needed).length === 0 ? undefined : `${JSON.stringify(needed, undefined, 2)}\n`;
  };
  const standInsAreNamed = async () => (await readIfThere(standInsFile)) === (await standInsText());

  return {
    name: `stack ${stackName}`,

    async isDone() {
      if (!(await isExecutable(pulumiBinary()))) return false;
      const [found, named] = await Promise.all([stacks(), standInsAreNamed()]);
      if (!(await isPrivate(stateHome))) return false;
      return found.some(({ name }) => name === stackName) && found.some(({ current }) => current) && named;
    },

    async run({ note }) {
      const mustSucceed = async (...args: string[]) => {
        note(`pulumi ${args.join(" ")}`);
        const result = await pulumi(args);
        if (result.outcome === "succeeded") return;
        throw new SetupError(
          `pulumi ${args.join(" ")} ${result.outcome}:\n${lastWords(result)}`,
          "see the engine's words above; local state is in .pulumi in your home directory",
        );
      };

      const found = await stacks();
      if (!found.some(({ name }) => name === stackName)) await mustSucceed("stack", "init", stackName, "--no-select");
      if (!found.some(({ current }) => current)) await mustSucceed("stack", "select", stackName);
      // With an empty passphrase, to read the state is to read its secrets; the engine lets everybody read it.
      if (!(await isPrivate(stateHome))) await chmod(stateHome, 0o700);
      const text = await standInsText();
      if (text === undefined) await rm(standInsFile, { force: true });
      else await writeFile(standInsFile, text);
    },
  };
}
