import type { CommandResult, Run } from "../command";
import { SetupError } from "../error";
import { isExecutable } from "../files";
import { imageSettings, knownBaseImages, namespace, planSetting, presentImages, stackName } from "../images";
import { projectRoot, pulumiBinary, pulumiEnv } from "../project";
import type { Step } from "../step";

interface StackSummary {
  readonly name: string;
  readonly current: boolean;
}

/** Stack `dev`, selected unless the user has selected another one, and its image settings. */
export function stackStep(run: Run): Step {
  const pulumi = (args: readonly string[]): Promise<CommandResult> =>
    run(pulumiBinary(), [...args, "--non-interactive"], { cwd: projectRoot, env: pulumiEnv() });

  const stacks = async (): Promise<StackSummary[]> => {
    const { outcome, stdout } = await pulumi(["stack", "ls", "--json"]);
    return outcome === "succeeded" ? (JSON.parse(stdout) as StackSummary[]) : [];
  };

  const settingsToChange = async (): Promise<[name: string, value: string][]> => {
    const [present, settings] = await Promise.all([presentImages(run), imageSettings()]);
    return knownBaseImages
      .map((image): [string, string] => [
        `${namespace}:${image.setting}`,
        planSetting(image, present, settings[image.setting]),
      ])
      .filter(([, value]) => value !== "keep");
  };

  return {
    name: `stack ${stackName}`,

    async isDone() {
      if (!(await isExecutable(pulumiBinary()))) return false;
      const [found, changes] = await Promise.all([stacks(), settingsToChange()]);
      return found.some(({ name }) => name === stackName) && found.some(({ current }) => current) && !changes.length;
    },

    async run({ note }) {
      const mustSucceed = async (...args: string[]) => {
        note(`pulumi ${args.join(" ")}`);
        const { outcome, lastWords } = await pulumi(args);
        if (outcome === "succeeded") return;
        throw new SetupError(
          `pulumi ${args.join(" ")} ${outcome}:\n${lastWords}`,
          "see the engine's words above; local state is in .pulumi in your home directory",
        );
      };

      const found = await stacks();
      if (!found.some(({ name }) => name === stackName)) await mustSucceed("stack", "init", stackName, "--no-select");
      if (!found.some(({ current }) => current)) await mustSucceed("stack", "select", stackName);
      for (const [name, value] of await settingsToChange()) {
        if (value === "unset") await mustSucceed("config", "rm", "--stack", stackName, name);
        else await mustSucceed("config", "set", "--stack", stackName, name, value);
      }
    },
  };
}
