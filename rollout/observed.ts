import type { RecordedRelease } from "../model/record";

/** A container of the stack, as Docker's listing tells of it. */
export interface ObservedContainer {
  readonly id: string;
  readonly name: string;
  /** entry, balancer or backend. */
  readonly role: string;
  readonly app: string;
  readonly slot: string;
  readonly hash: string;
  /** Its name on the network, if it is a backend. */
  readonly alias: string;
  /** Identity of the stack that made it, and USER@HOST of who did; empty where it was made before there were any. */
  readonly owner: string;
  readonly by: string;
  /** created, running, paused, restarting, exited, dead. */
  readonly state: string;
  /** healthy, unhealthy, starting; none without a healthcheck, or where it doesn't run. */
  readonly health: string;
  /** Names of the volumes that it has, nameless ones and paths of the host included. */
  readonly volumes: readonly string[];
  readonly networks: readonly string[];
  /** The one of them on which the balancer reaches it, if it is a backend; empty where it was made before apps had their own. */
  readonly network: string;
  readonly image: string;
  /** Its image as the config named it, and what that name stood for; empty where it was built here. */
  readonly reference: string;
  readonly pinned: string;
  /** The addresses that it publishes, as `docker ps` writes them. */
  readonly ports: string;
  /** The address that it is to publish, if it is an entry or what a Prometheus asks. */
  readonly listen: string;
  /** When it was made, for people. */
  readonly age: string;
}

/** What the balancer's volume holds. */
export interface Volume {
  /** The release that nginx is to run; undefined when none was installed, or its record can't be read. */
  readonly release: RecordedRelease | undefined;
  /** Whether the release's files are as they were installed; undefined where nobody could look, in a balancer that has just ended. */
  readonly intact: boolean | undefined;
}

/** What the host alone tells of a stack. */
export interface Sight {
  /** All containers of the stack, newest first. */
  readonly containers: readonly ObservedContainer[];
  readonly volume: Volume;
  /** Id of the release that the running nginx serves; undefined when none runs, or it serves none. */
  readonly served: string | undefined;
  /** Id, or the begin of it, of the balancer that the volume names as the one that serves; empty where it names none. */
  readonly serving: string;
  /** The addresses for clients at which nothing accepts connections, though an entry runs. */
  readonly unreachable: readonly string[];
}

/** The same, and what an update that did not finish has left. */
export interface Overview extends Sight {
  /** Tags of images that no container was made of. */
  readonly images: readonly string[];
}

/** The host as it was when it was looked at: once, before anything is planned. */
export interface Observed extends Sight {
  /** Ids of containers that may have more processes than they are to. */
  readonly unlimited: readonly string[];
}

export const emptyVolume: Volume = { release: undefined, intact: false };
