import { quote } from "../lib/quote";
import type { HealthCheck } from "./topology";

/**
 * A shell command that asks a server in its own container, and succeeds when it answers 200 and nothing else. It runs every
 * few seconds in every backend, so it takes the cheapest means that the image has: bash by itself, else curl or wget (of
 * which GNU's alone writes some paths its own way).
 *
 * @param port TCP port on the container's loopback
 */
export function healthCommand(port: number, { path, host: wanted }: HealthCheck): string {
  const url = quote(`http://127.0.0.1:${port}${path}`);
  const host = quote(`Host: ${wanted}`);
  const bash = [
    `exec 3<>/dev/tcp/127.0.0.1/${port}`,
    String.raw`printf "GET %s HTTP/1.0\r\n%s\r\n\r\n" "$1" "$2" >&3`,
    "read -r _ status _ <&3",
    '[ "$status" = 200 ]',
  ].join(" && ");
  const curl = `curl -s --request-target ${quote(path)} -o /dev/null -w "%{http_code}" -H ${host} http://127.0.0.1:${port}`;
  // wget follows redirects: the first status that it tells is the server's own.
  const wget = `wget -q -S -O /dev/null --header ${host} ${url} 2>&1`;
  return [
    `if command -v bash >/dev/null; then exec bash -c ${quote(bash)} bash ${quote(path)} ${host}`,
    `elif command -v curl >/dev/null; then [ "$(${curl})" = 200 ]`,
    `else ${wget} | { read -r _ status _; [ "$status" = 200 ]; }; fi`,
  ].join("; ");
}

/**
 * Seconds between two of Docker's checks of a backend. Each costs the host some 60 ms of computing, so only a pool's first
 * backends are checked as often as one would like; together, 200 backends take 10 checks a second.
 *
 * @param turn number of the backend within the pool, from 0
 */
export function healthIntervalSeconds(turn: number): number {
  if (turn < 10) return 3;
  return turn < 50 ? 10 : 60;
}

/** Seconds that Docker gives a backend to start: as many as the update does, and never fewer than a minute, for a host's own start. */
export function startSeconds(healthTimeoutSeconds: number): number {
  return Math.max(60, healthTimeoutSeconds);
}

/** A time as the provider writes it back, 1m30s: another spelling of the same time would be a change at every preview. */
export function duration(seconds: number): string {
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60];
  return `${hours > 0 ? `${hours}h` : ""}${seconds >= 60 ? `${minutes}m` : ""}${seconds % 60}s`;
}
