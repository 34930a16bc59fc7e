import type { CertificateFiles } from "./certificates";
import type { Canary } from "./policies/canary";
import type { Topology } from "./topology";

/** A file of a release, as nginx reads it. */
export interface ReleaseFile {
  /** Name in the release's folder. */
  readonly name: string;
  readonly text: string;
}

/** A topology as it is rendered: what nginx runs, named by its own content. */
export interface Release {
  /** 16 hex digits: the hash of the files, which nginx serves. */
  readonly id: string;
  readonly topology: Topology;
  readonly files: readonly ReleaseFile[];
}

/** How long the steps of a change may take. */
export interface Policy {
  /** How long retired nginx workers and backends may take to finish, in seconds, 1 to 3600. */
  readonly drainSeconds: number;
  /** How long to wait for the next new backend to answer, in seconds, 1 to 3600. */
  readonly healthTimeoutSeconds: number;
}

/** A container that has a published port. */
export interface EntryDestination {
  readonly id: string;
  /** Its address for clients, for example https://127.0.0.1:8443. */
  readonly url: string;
  /** Name of the network that leads out: on it, the port is published. */
  readonly network: string;
}

/** A container at which a Prometheus asks. */
export interface ExporterDestination {
  readonly id: string;
  /** For example http://127.0.0.1:9112/metrics. */
  readonly url: string;
}

/** Where a release is brought in: what Docker calls the parts of the stack. */
export interface Destination {
  /** Id of the balancer's container. */
  readonly balancer: string;
  /** What has the published ports, that of `url` first. */
  readonly entries: readonly EntryDestination[];
  /** Id of the container that gets certificates, if any does. */
  readonly acme?: string;
  /** What a Prometheus asks, if anything is to be asked: ids of containers, and their addresses. Default: nothing is. */
  readonly exporters?: readonly ExporterDestination[];
  /** Ids of the backends' containers by server name; none for servers that are no containers of this stack. */
  readonly containers: Readonly<Record<string, string>>;
  /** Ids of containers that have run what was to be run before the backends came; default: there are none. */
  readonly prepared?: readonly string[];
  /** Address that clients reach the balancer at, for example http://127.0.0.1:8080. */
  readonly url: string;
  /** Value of the label that all containers of the stack carry. */
  readonly stack: string;
  /**
   * Identities of the stack: its own, and that of one whose state was lost; empty for none. Containers that carry another one
   * are not touched; those of before there were identities carry an empty one.
   */
  readonly owners: readonly string[];
}

/** What the step in the engine's state gets in its variable RELEASE: all but nginx's text, which it renders itself. */
export interface Change {
  readonly schema: typeof schemaVersion;
  /** Of the release, as the program that previewed it rendered it. */
  readonly id: string;
  readonly topology: Topology;
  /** Whether the configuration holds secrets. */
  readonly isSecret: boolean;
  readonly policy: Policy;
  readonly destination: Destination;
  /** Where the certificates of the topology, and their keys, are read from. */
  readonly certificateFiles: readonly CertificateFiles[];
  /** How new backends of an app are judged before they get all requests; default: they are not. */
  readonly canary?: Canary;
  /** Where users of the topology are read from. Default: there are none. */
  readonly usersFiles?: readonly string[];
  /** Backends that apps without a number of their own share; 0 where none does. For what scales the stack. */
  readonly backendCount: number;
  /** Counts up when what runs differs from what was installed last, so that the engine takes the step again. */
  readonly attempt: number;
}

/** Version of the forms below and of {@link Change}; another one is another program's. */
export const schemaVersion = 1;
