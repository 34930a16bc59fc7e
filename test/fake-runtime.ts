import { balancerOf } from "../rollout/containers";
import type { Observed, ObservedContainer } from "../rollout/observed";
import { formatOperation } from "./operations";
import type { Operation, Wanted } from "../rollout/plan";
import type { Runtime, StepResult } from "../rollout/runtime/runtime";
import { CanaryAborted } from "../rollout/steps/canary";
import { releaseOf } from "../nginx/render/config";
import { serversOf } from "../model/topology";
import type { Release } from "../model/release";

/** A host in memory that does what it is told, and notes it. */
export class FakeRuntime implements Runtime {
  /** The operations so far, as text. */
  readonly done: string[] = [];
  private quit: readonly string[] = [];
  private before: Pick<Observed, "volume" | "served"> | undefined;

  /**
   * @param host as it is found, and left
   * @param failAt number of the operation that fails, from 0; it is not done
   */
  constructor(
    public host: Observed,
    private readonly wanted: Wanted,
    private readonly failAt = Infinity,
    /** What a step of a canary comes to: a share at which it is aborted, or promoted. */
    private readonly canary: { readonly abortAt?: number; readonly promoteAt?: number } = {},
  ) {}

  /** What the volume still holds of before a canary. */
  previous: Pick<Observed, "volume" | "served"> | undefined;

  observe(): Promise<Observed> {
    return Promise.resolve(this.host);
  }

  perform(operation: Operation): Promise<StepResult> {
    if (this.done.length === this.failAt) return Promise.reject(new Error(`no ${operation.op}`));
    this.done.push(formatOperation(operation));
    this.take(operation);
    if (operation.op === "canary") return this.judge(operation.share);
    return Promise.resolve(operation.op === "drain" ? { inFlight: { drainBegan: 3, drainEnded: 0 } } : {});
  }

  /** The steps that were told of. */
  readonly told: string[] = [];

  tell(step: string): Promise<void> {
    if (this.told.at(-1) !== step) this.told.push(step);
    return Promise.resolve();
  }

  private judge(share: number): Promise<StepResult> {
    const figures = { requests: 100, failed: 0, p99: 1 };
    const step = { share, seconds: 60, fresh: figures, older: figures };
    if (share === this.canary.abortAt) return Promise.reject(new CanaryAborted("it fails", step));
    return Promise.resolve({ canary: { ...step, isPromoted: share === this.canary.promoteAt } });
  }

  putBack(): Promise<void> {
    this.done.push("put back");
    if (this.before === undefined && this.quit.length === 0) return Promise.reject(new Error("there was none"));
    this.host = { ...this.host, ...this.before };
    this.change(this.quit, { state: "running" });
    return Promise.resolve();
  }

  /** The files of the volume. */
  readonly files = new Map<string, string>();

  readFile(path: string): Promise<string> {
    return Promise.resolve(this.files.get(path) ?? "");
  }

  writeFile(path: string, text: string): Promise<void> {
    this.files.set(path, text);
    return Promise.resolve();
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  /** The servers of the release that nginx serves, as far as containers answer for them. */
  serving(): string[] {
    const { volume, served, containers } = this.host;
    if (balancerOf(containers)?.state !== "running" || served === undefined || volume.release?.id !== served) return [];
    const reached = new Set(containers.flatMap(({ role, networks }) => (role === "balancer" ? networks : [])));
    const running = containers.filter(
      ({ state, networks }) => state === "running" && networks.some((name) => reached.has(name)),
    );
    return serversOf(volume.release).flatMap(({ name, address = name }) =>
      running.some(({ alias, id }) => alias === address || id.startsWith(address)) ? name : [],
    );
  }

  private take(operation: Operation): void {
    const { destination, release, attempt } = this.wanted;
    const { volume } = this.host;
    switch (operation.op) {
      case "join":
        this.change([operation.container], {
          networks: [...this.networksOf(operation.container), ...operation.networks],
        });
        break;
      case "leave":
        this.change([destination.balancer], {
          networks: this.networksOf(destination.balancer).filter((name) => !operation.networks.includes(name)),
        });
        break;
      case "open":
        this.change(operation.predecessors, { networks: [], ports: "" });
        this.change([operation.entry], { state: "running", networks: [operation.network] });
        this.host = { ...this.host, unreachable: [] };
        break;
      case "serve":
        this.host = { ...this.host, serving: destination.balancer };
        break;
      case "await":
        this.host = { ...this.host, served: volume.release?.id };
        this.change([destination.balancer], { health: "healthy" });
        break;
      case "quit":
        this.change(operation.containers, { state: "exited" });
        this.quit = operation.containers;
        break;
      case "publish":
        this.host = { ...this.host, unreachable: [] };
        break;
      case "revive":
        this.change([operation.container], { state: "running", health: "healthy" });
        break;
      case "resume":
        this.host = { ...this.host, served: volume.release?.id };
        break;
      case "install":
        this.before ??= { volume, served: this.host.served };
        this.install(this.wanted.release);
        this.host = { ...this.host, served: undefined };
        break;
      case "reload":
        this.before ??= { volume, served: this.host.served };
        this.install(releaseOf(operation.topology));
        break;
      case "record":
        if (volume.release !== undefined)
          this.host = {
            ...this.host,
            volume: { ...volume, release: { ...volume.release, containers: destination.containers, attempt } },
          };
        break;
      case "canary":
        this.before ??= { volume, served: this.host.served };
        this.install(releaseOf(operation.topology));
        break;
      case "take back":
        if (this.previous !== undefined) this.host = { ...this.host, ...this.previous };
        break;
      case "halt":
        this.change(operation.containers, { state: "exited" });
        break;
      case "stop":
        this.host = {
          ...this.host,
          containers: this.host.containers.filter(({ id }) => !operation.containers.includes(id)),
        };
        break;
      case "candidate":
        if (!serversOf(release.topology).some(({ name }) => this.isThere(name))) throw new Error("nobody answers");
        break;
      case "limit":
        this.host = {
          ...this.host,
          unlimited: this.host.unlimited.filter((id) => !operation.containers.includes(id)),
        };
        break;
      case "try":
      case "close":
      case "drain":
      case "check":
      case "certificates":
      case "health":
      case "remove unused":
      case "clean up":
    }
  }

  private install({ id, topology: { upstreams, canary }, files }: Release): void {
    const { destination, attempt } = this.wanted;
    const hashes = Object.fromEntries(files.map(({ name }) => [name, "hash"]));
    const release = {
      id,
      files: hashes,
      upstreams,
      containers: destination.containers,
      attempt,
      ...(canary && { canary }),
    };
    this.host = { ...this.host, served: id, volume: { release, intact: true } };
  }

  private networksOf(container: string): readonly string[] {
    return this.host.containers.find(({ id }) => id === container)?.networks ?? [];
  }

  private isThere(name: string): boolean {
    const reached = this.networksOf(this.wanted.destination.balancer);
    return this.host.containers.some(
      ({ alias, state, networks }) =>
        alias === name && state === "running" && networks.some((network) => reached.includes(network)),
    );
  }

  private change(ids: readonly string[], to: Partial<ObservedContainer>): void {
    const containers = this.host.containers.map((one) => (ids.includes(one.id) ? { ...one, ...to } : one));
    this.host = { ...this.host, containers };
  }
}
