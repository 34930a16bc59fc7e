import { spawn } from "node:child_process";
import { UserError } from "./cli";
import { projectRoot, pulumiBinary, pulumiEnv } from "./setup/project";

/**
 * Runs the Pulumi engine in the foreground: its output is the user's.
 *
 * @throws UserError with the engine's exit code when it fails
 */
export async function runEngine(args: readonly string[]): Promise<void> {
  const child = spawn(pulumiBinary(), args, {
    cwd: projectRoot,
    env: { ...process.env, ...pulumiEnv() },
    stdio: "inherit",
  });
  // Ctrl-C reaches the engine, too: it ends in order, and then this process does.
  const wait = () => undefined;
  process.on("SIGINT", wait);
  const code = await new Promise<number | null>((resolve, reject) => child.on("exit", resolve).on("error", reject));
  process.off("SIGINT", wait);
  if (code !== 0) throw new UserError(`pulumi ${args[0]} failed, see above.`, code ?? 130);
}

/** Runs the engine and gives what it prints, for machine-readable output. */
export async function readEngine(args: readonly string[]): Promise<string> {
  const child = spawn(pulumiBinary(), args, { cwd: projectRoot, env: { ...process.env, ...pulumiEnv() } });
  let stdout = "";
  let stderr = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
  const code = await new Promise<number | null>((resolve, reject) => child.on("close", resolve).on("error", reject));
  if (code !== 0) throw new UserError(`pulumi ${args.join(" ")} failed: ${stderr.trim()}`);
  return stdout;
}

/** The stack's outputs, as index.ts returns them. */
export interface StackOutputs {
  readonly url: string;
  readonly backends: readonly { readonly alias: string; readonly app: string; readonly containerName: string }[];
  readonly upstreamConfig: string;
  readonly balancer: string;
  readonly network: string;
}

/**
 * Reads a stack's outputs.
 *
 * @throws UserError when there is no such stack, or nothing runs on it
 */
export async function readOutputs(stack: string): Promise<StackOutputs> {
  const outputs = JSON.parse(
    await readEngine(["stack", "output", "--json", "--show-secrets", "--stack", stack]),
  ) as Partial<StackOutputs>;
  if (outputs.url === undefined) throw new UserError(`Stack ${stack} has nothing running: npm run up starts it.`);
  return outputs as StackOutputs;
}
