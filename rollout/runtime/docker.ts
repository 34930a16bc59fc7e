import { configurationPath, controlCommand, livePlace, signatureFile, volumeFolder } from "../../model/layout";
import { imagePrefix } from "../../model/names";
import type { Release } from "../../model/release";
import { docker, tryDocker } from "../docker";
import { balancerOf, listContainers } from "../containers";
import { insideScript, lookInside, parseInside } from "../observe";
import type { Observed } from "../observed";
import type { Operation, Wanted } from "../plan";
import { servingScript, tryLive } from "../steps/balancer";
import { testCandidate } from "../steps/candidate";
import { nginxSeconds, type Context } from "../steps/context";
import type { CanaryStep } from "../steps/canary";
import { endHistory, judgeCanary } from "../steps/canary-history";
import { untilCertified } from "../steps/certificates";
import { untilDockerAgrees } from "../steps/healthcheck";
import { closeEntry, openEntry, publish } from "../steps/entry";
import { join, leave } from "../steps/networks";
import { limitProcesses, withoutLimit } from "../steps/processes";
import { checkAsClient, unreachableOf } from "../steps/public-address";
import { drain, reload, takeBack, untilAnswered } from "../steps/reload";
import { revive } from "../steps/revive";
import { untilItServes } from "../steps/start";
import { removeUnused, removeUnusedImages, stopContainers } from "../steps/retire";
import {
  link,
  lockVolume,
  readLink,
  removeOldReleases,
  unlink,
  writeFiles,
  writeRecordOf,
  writeStep,
  writeWhole,
} from "../steps/volume";
import { listWorkers } from "../steps/workers";
import type { Asker, Log, Runtime, StepResult } from "./runtime";
import { BalancerShell } from "./shell";

/** The real host: containers by the docker client, nginx by a shell in the balancer's container. */
export class DockerRuntime implements Runtime {
  private opened: BalancerShell | undefined;
  /** Where the link on the volume led before the first reload. */
  private before: string | undefined;
  /** Whether there was nothing that nginx could have run before. */
  private isFirst = false;
  /** Which balancer was to serve before this change; empty for none. */
  private servedBefore = "";
  /** Balancers that were told to take no more connections. */
  private quit: readonly string[] = [];
  /** The steps of the canary so far. */
  private readonly judged: CanaryStep[] = [];
  private readonly log: Log = (line) => this.asker.log(line);
  /** Servers without which the change goes on. */
  private sick: ReadonlySet<string> = new Set();

  /** @param releaseOf renders a topology that is on the way to the wanted one */
  constructor(
    private readonly wanted: Wanted,
    private readonly releaseOf: (topology: Release["topology"]) => Release,
    private readonly asker: Asker,
  ) {}

  async observe(): Promise<Observed> {
    const { stack, balancer, entries } = this.wanted.destination;
    const listed = await listContainers(stack);
    // Changes of one balancer go one after the other; a new one's predecessor is the one whose volume both have.
    const holder = balancerOf(listed, balancer);
    const shell = holder?.state === "running" ? await this.open(holder.id) : undefined;
    const running = new Set(listed.flatMap(({ id, state }) => (state === "running" ? id : [])));
    const urls = entries.flatMap(({ id, url }) => (running.has(id) ? url : []));
    const [containers, inside, unreachable, unlimited] = await Promise.all([
      listContainers(stack),
      shell === undefined ? lookInside(holder) : shell.read(insideScript).then(parseInside),
      unreachableOf(urls, balancer),
      withoutLimit(listed.map(({ id }) => id)),
    ]);
    this.servedBefore = inside.serving;
    return { containers, ...inside, unreachable, unlimited };
  }

  async perform(operation: Operation): Promise<StepResult> {
    const { wanted, log } = this;
    const { destination } = wanted;
    switch (operation.op) {
      case "limit":
        await limitProcesses(operation.containers, log);
        return {};
      case "try":
        await tryLive(await this.shell());
        return {};
      case "join":
        await join(operation.container, operation.networks, operation.alias);
        return {};
      case "leave":
        await leave(destination.balancer, operation.networks);
        return {};
      case "open":
        await this.orAsBefore(openEntry(operation, log));
        return {};
      case "publish":
        log(`${operation.cause}: publishing the port again`);
        await publish(operation.entry);
        return {};
      case "serve":
        return this.serve();
      case "await":
        await this.orAsBefore(
          untilItServes(
            "balancer",
            destination.balancer,
            nginxSeconds,
            controlCommand(livePlace.folder, configurationPath),
          ),
        );
        await untilAnswered(await this.context(), wanted.release, operation.probe);
        return {};
      case "install":
        return this.installFirst();
      case "close":
        await Promise.all(operation.entries.map(closeEntry));
        return {};
      case "revive":
        await revive(operation, wanted, () => this.shell(), log);
        return {};
      case "resume":
        await reload(await this.shell(), undefined);
        return {};
      case "candidate":
        return this.test(operation.must);
      case "reload":
        await this.reload(this.releaseOf(operation.topology), operation.probe);
        return {};
      case "canary": {
        const giveShare = () => this.reload(this.releaseOf(operation.topology), operation.probe);
        return { canary: await judgeCanary(await this.shell(), operation, this.judged, this.asker, giveShare) };
      }
      case "take back":
        log(`${operation.cause}: what served before serves again`);
        await takeBack(await this.shell());
        await endHistory(await this.shell(), operation.cause);
        return {};
      case "drain":
        return drain(await this.context(), operation.seconds);
      case "quit":
        // One that has ended by itself is none the worse for it.
        await tryDocker("kill", "--signal", "QUIT", ...operation.containers);
        this.quit = operation.containers;
        return {};
      case "check":
        await checkAsClient(await this.context(), this.sick);
        return {};
      case "certificates":
        await untilCertified(await this.context(), operation.container, operation.acme);
        return {};
      case "record":
        await writeRecordOf(await this.shell(), wanted.release, wanted);
        return {};
      case "health":
        await untilDockerAgrees(operation.containers, log);
        return {};
      case "halt":
        await docker("stop", "--time", String(operation.seconds), ...operation.containers);
        return {};
      case "stop":
        await stopContainers(operation.containers, operation.seconds);
        return {};
      case "remove unused":
        await removeUnused(destination.stack);
        return {};
      case "clean up":
        await removeOldReleases(await this.shell());
        // The next one, which may be at work, may build on them.
        if (this.asker.isLeft()) return {};
        await removeUnusedImages(imagePrefix(destination.stack), [
          destination.balancer,
          ...destination.entries.map(({ id }) => id),
          ...(destination.acme === undefined ? [] : [destination.acme]),
          ...(destination.exporters ?? []).map(({ id }) => id),
          ...Object.values(destination.containers),
        ]);
        return {};
    }
  }

  async tell(step: string): Promise<void> {
    if (this.opened !== undefined) await writeStep(this.opened, step);
  }

  async putBack(): Promise<void> {
    const shell = await this.shell();
    if (this.before === undefined && this.quit.length === 0) throw new Error("there was none");
    if (this.before !== undefined) await link(shell, this.before);
    else if (this.isFirst) await unlink(shell);
    if (this.before !== undefined && !this.isFirst) await reload(shell, undefined);
    await endHistory(shell, "the update failed");
    if (this.quit.length === 0) return;
    // What they had, the new one may lack: the socket of a port that goes, say.
    await shell.read(servingScript(this.servedBefore));
    const seconds = String(this.wanted.policy.drainSeconds);
    await docker("restart", "--time", seconds, ...this.quit);
    // It has nothing to run, and is not to answer beside them.
    if (this.isFirst) await docker("restart", "--time", seconds, this.wanted.destination.balancer);
  }

  private async test(must: readonly string[]): Promise<StepResult> {
    const result = await testCandidate(await this.context(), must);
    this.sick = new Set(result.sick?.keys());
    return result;
  }

  /** Notes on the volume which change was the last one. */
  async sign(at: string): Promise<void> {
    await (await this.shell()).write(signatureFile, at);
  }

  async readFile(path: string): Promise<string> {
    const { code, output } = await (await this.anyShell()).run(`cat ${volumeFolder}/${path}`);
    return code === 0 ? output : "";
  }

  async writeFile(path: string, text: string): Promise<void> {
    await writeWhole(await this.anyShell(), `${volumeFolder}/${path}`, text);
  }

  async close(): Promise<void> {
    this.opened?.close();
    this.opened = undefined;
    return Promise.resolve();
  }

  /** A container's name for itself is the begin of its id. */
  private async serve(): Promise<StepResult> {
    const shell = await this.shell();
    await shell.read(servingScript(shell.container.slice(0, 12)));
    return {};
  }

  /** Where a new balancer does not get to serve, the one of before is the one that does when it is started again. */
  private async orAsBefore(work: Promise<void>): Promise<void> {
    try {
      await work;
    } catch (error) {
      const before = this.servedBefore;
      // The new one may be no more.
      if (before) await tryDocker("exec", before, "sh", "-c", servingScript(before));
      throw error;
    }
  }

  private async installFirst(): Promise<StepResult> {
    const shell = await this.shell();
    const { release } = this.wanted;
    this.isFirst = true;
    await this.lay(shell, release);
    // One that was started just now may have found what the host's listing did not tell of.
    if ((await listWorkers(shell)).length > 0) await reload(shell, release.id);
    return {};
  }

  /** Makes a release the one that nginx reads next. */
  private async lay(shell: BalancerShell, release: Release): Promise<void> {
    const current = await readLink(shell);
    this.before ??= current;
    await writeFiles(shell, release, this.wanted.attachments);
    await writeRecordOf(shell, release, this.wanted);
    await link(shell, `releases/${release.id}`, this.before);
  }

  private async reload(release: Release, probe: readonly string[]): Promise<void> {
    const context = await this.context();
    const { shell } = context;
    await this.lay(shell, release);
    await reload(shell, release.id);
    await untilAnswered(context, release, probe);
  }

  private async context(): Promise<Context> {
    return { shell: await this.shell(), wanted: this.wanted, log: this.log };
  }

  /** The shell in the wanted balancer, once it runs. */
  private async shell(): Promise<BalancerShell> {
    return this.open(this.wanted.destination.balancer);
  }

  /** A shell that has the volume: after a failure, the wanted balancer may be no more, or never have been. */
  private async anyShell(): Promise<BalancerShell> {
    return this.opened?.hasEnded === false ? this.opened : this.shell();
  }

  /** Opens the shell of a balancer with the lock of the volume: it goes with the shell, however that ends. */
  private async open(container: string): Promise<BalancerShell> {
    if (this.opened?.container === container && !this.opened.hasEnded) return this.opened;
    this.opened?.close();
    const shell = new BalancerShell(container);
    this.opened = shell;
    await lockVolume(shell);
    return shell;
  }
}
