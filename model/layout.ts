/**
 * The ports that entries listen on inside their containers, plain and with TLS: above 1023, since they have no capability to bind
 * a lower one.
 */
export const listenPort = 8080;
export const tlsListenPort = 8443;

/** Where the entry's container and the balancer's have the volume on which nginx gets the socket. */
export const doorFolder = "/run/entry";

/** Where the balancer's container has, for reading, what authorities have given. */
export const acmeFolder = "/etc/nginx/acme";

/** Below this path an authority asks for what proves that a host is ours (RFC 8555, 8.3). */
export const challengePath = "/.well-known/acme-challenge/";

/** Where the balancer's container has its volume: releases/ID/, and the links `current` and `previous` to two of them. */
export const volumeFolder = "/etc/nginx/live";
/** Link to the release that nginx runs. */
export const currentRelease = `${volumeFolder}/current`;
/** Link to the one that a balancer goes back to which can't run it. */
export const previousRelease = `${volumeFolder}/previous`;
/** Where a release's files are. */
export const releaseFolder = (id: string): string => `${volumeFolder}/releases/${id}`;
export const mainFile = "nginx.conf";
/** The user's own directives, in a file that the main one includes: nginx names its lines, and keeps it in its block. */
export const directivesFile = "server.conf";
/** The same for the http block. */
export const httpDirectivesFile = "http.conf";
/** What all sites have in common, and all of their routes. */
export const siteFile = "site.conf";
export const routeFile = "route.conf";
/** What routes have in common whose requests are handed on where they are asked for. */
export const directFile = "direct.conf";
/** The same of those whose answers aren't spooled. */
export const unspooledFile = "unspooled.conf";
/** The user's own directives of some routes. */
export const locationFile = (at: number): string => `location_${at}.conf`;
export const recordFile = "release.json";
/** Names the balancer that serves by its container's id, as start.sh in nginx/image reads it. */
export const servingFile = `${volumeFolder}/balancer`;
/** The attempts of requests whose backends are judged, and what somebody orders meanwhile: promote or abort. */
export const canaryLog = "/var/spool/nginx/canary.log";
export const canaryOrder = `${volumeFolder}/canary-order`;
/** How the last canary went. */
export const canaryFile = `${volumeFolder}/canary.json`;
/** Where the balancer's container has the volume of its logs. */
export const logFolder = "/var/log/balancer";
/** Links to the newest of their files, whose names end in a number that rises: access-1.log, access-2.log. */
export const accessLogFile = `${logFolder}/access.log`;
export const metricsLogFile = `${logFolder}/metrics.log`;
/** Of a release: which logs there are, and what stands behind the addresses in them, as log.pl in nginx/image reads it. */
export const logPlanFile = "log.txt";
/** Through it, other containers ask nginx how many connections it has. */
export const statusSocket = `${logFolder}/run/current/status.sock`;
/** The changes of the configuration, a line each, by its name on the volume. */
export const historyFile = "history.jsonl";
/** The step that a change takes, and when it began it, in seconds since 1970; of one that has ended, it says nothing. */
export const stepFile = `${volumeFolder}/step`;
/** Held by a change of the balancer as long as it goes on. */
export const lockFile = `${volumeFolder}/.lock`;
/** Tells when the last change that worked has ended. */
export const signatureFile = `${volumeFolder}/signature`;

/** A place that an nginx runs in: one configuration is rendered for the live one and for a candidate beside it. */
export interface Place {
  /** Folder of its sockets, its process id and its temporary files. */
  readonly folder: string;
  /** What its public servers listen on, in plain and with TLS. */
  readonly listen: string;
  readonly tlsListen: string;
  /** Folder of the answers that it keeps. */
  readonly cache: string;
  /** Its worker processes. */
  readonly workers: "auto" | 1;
  /** Whether what it answers is told to those who watch. */
  readonly isWatched: boolean;
}

export const livePlace: Place = {
  folder: "/tmp/nginx",
  listen: String(listenPort),
  tlsListen: String(tlsListenPort),
  cache: "/var/spool/nginx/cache",
  workers: "auto",
  isWatched: true,
};
export const candidatePlace: Place = {
  folder: "/tmp/candidate",
  listen: "unix:/tmp/candidate/public.sock",
  tlsListen: "unix:/tmp/candidate/tls.sock",
  cache: "/tmp/candidate/cache",
  workers: 1,
  isWatched: false,
};

/** What the balancer's own server listens on. */
export const controlSocket = ({ folder }: Pick<Place, "folder">): string => `unix:${folder}/control.sock`;

/** Asks nginx itself, by the socket that only its container has. */
export function controlCommand(folder: string, path: string): string[] {
  return ["curl", "--silent", "--max-time", "2", "--unix-socket", `${folder}/control.sock`, `http://balancer${path}`];
}

/** Path of the control server that answers with the id of the release that nginx runs. */
export const configurationPath = "/configuration";
