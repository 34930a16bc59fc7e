/** Where a configuration is installed, and how long its steps may take. */
export interface Target {
  /** The balancer's container, id or name. */
  readonly balancer: string;
  /** Name of the network that the backends are on. */
  readonly network: string;
  /** The wanted configuration, as rendered. */
  readonly text: string;
  /** Container ids of the backends by host; none for servers that are no containers of this stack. */
  readonly backends: Readonly<Record<string, string>>;
  /** Address that clients reach the balancer at, for example http://127.0.0.1:8080. */
  readonly url: string;
  /** Label, KEY=VALUE, of every container of the stack. */
  readonly stackLabel: string;
  /** What the names of the stack's images begin with. */
  readonly imagePrefix: string;
  /** How long to wait for the next backend that answers. */
  readonly healthTimeoutSeconds: number;
  readonly drainSeconds: number;
  /** Counts the installs; read back by the program to see whether the volume holds what was installed. */
  readonly generation: string;
}

/** Says what is going on, a line at a time. */
export type Log = (line: string) => void;

/** Folder of the volume that holds the live configuration. */
export const live = "/etc/nginx/live";
/** Folder in which the live nginx has its sockets and temporary files. */
export const liveFolder = "/tmp/nginx";
/** The candidate's, see asCandidate. */
export const candidateFolder = "/tmp/candidate";
/** How often a condition is looked at again. */
export const pollMilliseconds = 50;
/** How long nginx may take for things that take it milliseconds. */
export const nginxSeconds = 20;
