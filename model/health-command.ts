/**
 * A shell command that asks a server in its own container for a path, and succeeds when it answers 200. It runs every few
 * seconds in every backend, so it takes the cheapest means that the image has: bash by itself, else wget or curl.
 *
 * @param port TCP port on the container's loopback
 * @param path as the settings allow it: nothing that a shell would take for its own
 */
export function healthCommand(port: number, path: string): string {
  const url = `http://127.0.0.1:${port}${path}`;
  const bash = [
    `exec 3<>/dev/tcp/127.0.0.1/${port}`,
    `printf "GET ${path.replaceAll("%", "%%")} HTTP/1.0\\r\\nHost: localhost\\r\\n\\r\\n" >&3`,
    "read -r _ status _ <&3",
    '[ "$status" = 200 ]',
  ].join(" && ");
  return [
    `if command -v bash >/dev/null; then exec bash -c '${bash}'`,
    `elif command -v wget >/dev/null; then exec wget -q -O /dev/null "${url}"`,
    `else exec curl -fs -o /dev/null "${url}"; fi`,
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
