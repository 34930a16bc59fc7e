import { messageOf } from "../../lib/errors";
import { until } from "../../lib/until";
import { entranceOf, type Entrance } from "../entrance";
import { startLoad, type Load } from "../load/load";
import type { VerifyOptions } from "./options";
import type { Progress } from "./progress";
import { reportOf, resultOf, type Report, type StepResult } from "./report";
import { excusableOfKill, noneExcusable, planLoad, planSteps, type Step } from "./steps";
import { servingBackends, Target, type Serving } from "./target";

/** How long the load goes on without a change, to compare with, in seconds. */
const steadySeconds = 3;

/** Requests for each client that are sent after a step's change, and while a backend is dead: what comes late counts, too. */
const furtherRequests = 20;

/** How long those may take, in seconds. */
const furtherSeconds = 60;

/**
 * Runs all steps on a stack, under load, and puts the stack back, however they end.
 *
 * @param signal ends the run early; its reason is one of the report's problems
 * @throws UserError when the stack can't be put to the test; nothing has been done to it then
 */
export async function verify(options: VerifyOptions, progress: Progress, signal: AbortSignal): Promise<Report> {
  progress.begin("looking at the stack");
  const target = await Target.open(options, signal);
  let report: Report | undefined;
  try {
    const { urls, installed } = target.before;
    const entrance = await entranceOf(urls, installed.topology, options.host, options.path);
    report = await new Run(target, entrance, options, progress, signal).report();
    return report;
  } finally {
    progress.end();
    await target.close(report?.ok !== true);
  }
}

class Run {
  private readonly steps: Step[];
  private readonly results: StepResult[] = [];
  private readonly problems: string[] = [];
  private readonly notes: string[] = [];

  constructor(
    private readonly target: Target,
    /** What the load asks for, and who answers it. */
    private readonly entrance: Entrance,
    private readonly options: VerifyOptions,
    private readonly progress: Progress,
    private readonly signal: AbortSignal,
  ) {
    const { backends, installed } = target.before;
    const { backendCount = backends.length } = installed;
    this.steps = planSteps(backends.length, backendCount, `verify-${Date.now().toString(36)}`);
    if (entrance.note !== undefined) this.notes.push(entrance.note);
    if (backendCount === 0) this.notes.push("scale up, scale down: left out, since each app has a number of its own.");
  }

  async report(): Promise<Report> {
    try {
      await this.takeSteps();
    } catch (error) {
      this.problems.push(messageOf(error));
    }
    if (this.target.isChanged) await this.putBack();
    if (this.signal.aborted) this.problems.push(messageOf(this.signal.reason));
    if (this.results.some(({ problem }) => problem !== undefined) || this.problems.length > 0)
      this.notes.push(`The engine's output is in ${this.target.folder}`);
    const { results: steps, problems, notes } = this;
    return reportOf({ stack: this.options.stack, url: this.entrance.address.url, steps, problems, notes });
  }

  private async takeSteps(): Promise<void> {
    for (const [index, step] of this.steps.entries()) {
      if (this.signal.aborted) return;
      if (step.kind === "kill" && servingBackends(this.target.before, this.entrance.upstream).length < 2) {
        this.notes.push(`${step.name}: left out, since no other backend could answer.`);
        continue;
      }
      const result = await this.takeStep(step, `${index + 1}/${this.steps.length} ${step.name}`);
      this.results.push(result);
      if (result.problem !== undefined) return;
      if (step.kind === "steady" && result.lost > 0) {
        this.notes.push("Requests are lost without any change: no step was taken, the stack was not touched.");
        return;
      }
    }
  }

  /** A load of its own for each step: its books are closed when its last request has ended. */
  private async takeStep(step: Step, title: string): Promise<StepResult> {
    const { post, clients, seconds: maxSeconds } = this.options;
    const profiles = planLoad(this.entrance, post, clients);
    const started = performance.now();
    const load = startLoad({ ...this.entrance.address, profiles, maxSeconds });
    this.progress.begin(title, load);
    let problem: string | undefined;
    try {
      await this.furtherAnswers(load);
      await this.perform(step, load);
      await this.furtherAnswers(load);
    } catch (error) {
      if (!this.signal.aborted) problem = messageOf(error);
    }
    const account = await load.stop();
    const seconds = (performance.now() - started) / 1000;
    const excusable = step.kind === "kill" ? excusableOfKill(profiles) : noneExcusable;
    const result = resultOf(step.name, seconds, account, excusable);
    return problem === undefined ? result : { ...result, problem };
  }

  private async perform(step: Step, load: Load): Promise<void> {
    const { target, signal } = this;
    switch (step.kind) {
      case "steady": {
        const end = performance.now() + steadySeconds * 1000;
        await until("the steady time is over", { within: steadySeconds + 1, signal }, () => performance.now() >= end);
        return;
      }
      case "change": {
        const before = await target.observe();
        const after = await target.up(step.config, signal);
        assertSameBalancer(before, after);
        const { backends } = after;
        if (backends.length !== step.backends)
          throw new Error(`${backends.length} backends instead of ${step.backends} after the update`);
        const replaced = new Set(before.backends.map(({ alias }) => alias));
        const kept = backends.filter(({ alias }) => replaced.has(alias));
        if (step.replacesAll && kept.length > 0)
          throw new Error(`not replaced: ${kept.map(({ alias }) => alias).join(", ")}`);
        return;
      }
      case "replacement": {
        const before = await target.observe();
        const after = await target.up(step.config, signal, ["--replace", "**::balancer-nginx"]);
        if (after.balancer === before.balancer) throw new Error("the balancer's container was not replaced");
        if (after.live !== before.live) throw new Error("the live configuration has changed");
        return;
      }
      case "refusal": {
        const before = await target.observe();
        const { code, output } = await target.tryUp(step.config, signal);
        if (code === 0) throw new Error("the update was to fail, and did not");
        if (!output.includes(step.words)) throw new Error(`the update failed without nginx's words ${step.words}`);
        const after = await target.observe();
        assertSameBalancer(before, after);
        if (after.live !== before.live) throw new Error("the live configuration has changed");
        return;
      }
      case "kill":
        return target.killBackend(this.entrance.upstream, () => this.furtherAnswers(load), signal);
      case "restore":
        return target.restore();
    }
  }

  /** Waits until the load has gone on for a while. */
  private async furtherAnswers(load: Load): Promise<void> {
    const enough = load.account().sent + furtherRequests * this.options.clients;
    await until(
      "the load goes on",
      { within: furtherSeconds, signal: this.signal },
      () => load.account().sent >= enough,
    );
  }

  /** After a step that went wrong: without load, and whatever the signal says. */
  private async putBack(): Promise<void> {
    this.progress.begin("putting the stack back as it was");
    try {
      await this.target.restore();
      this.notes.push("The stack is back as it was.");
    } catch (error) {
      this.problems.push(
        `The stack could not be put back: ${messageOf(error)}\n` +
          "Its config file is as it was: npm run up (pulumi up, for another stack than dev) brings it back.",
      );
    }
  }
}

/** Other changes leave it as it is. */
function assertSameBalancer(before: Serving, after: Serving): void {
  if (after.balancer !== before.balancer)
    throw new Error("the balancer's container was replaced: was the program itself edited during the run?");
}
