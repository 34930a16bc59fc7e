import type { Figures } from "../../model/figures";
import type { Paint } from "../../model/log";
import type { Watched } from "./observe";

/** Room for names in 80 columns. */
const nameWidth = 34;

/**
 * A stack as a screen of 80 columns.
 *
 * @param rows of the terminal; what does not fit is counted
 */
export function draw(url: string, watched: Watched, rows: number, paint: Paint): string[] {
  const { balancer, configuration, change, figures, problem, backends, time } = watched;
  const isWell = balancer === "healthy";
  const head = [
    `${url}  ${paint(isWell ? "green" : "red", balancer)}  configuration ${configuration}  ${time.slice(11, 19)}`,
    change === undefined
      ? paint("dim", "no change goes on")
      : paint("yellow", `a change goes on: ${change.step}, ${change.seconds} s`),
    ...(problem === undefined ? [] : [paint("red", cut(problem, 80))]),
    ...(figures === undefined
      ? []
      : [`connections ${figures.connections ?? "-"}, retries ${rate(figures.retriesPerSecond)}/s`]),
    "",
    paint("dim", line("", "req/s", "errors/s", "p50", "p99", "health")),
    row("all", figures?.all, "", paint),
    ...Object.entries(figures?.sites ?? {}).map(([site, of]) => row(site === "" ? "(no site)" : site, of, "", paint)),
    "",
  ];
  const servers = backends.map(({ alias, health }) => row(alias, figures?.backends[alias] ?? none, health, paint));
  const room = Math.max(1, rows - head.length - 2);
  const shown = servers.length > room ? servers.slice(0, room - 1) : servers;
  return [...head, ...shown, ...(shown.length < servers.length ? [`and ${servers.length - shown.length} more`] : [])];
}

const none: Figures = { requestsPerSecond: 0, errorsPerSecond: 0 };

function row(name: string, of: Figures | undefined, health: string, paint: Paint): string {
  if (of === undefined) return line(name, "-", "-", "-", "-", health);
  const { requestsPerSecond, errorsPerSecond, p50, p99 } = of;
  const text = line(name, rate(requestsPerSecond), rate(errorsPerSecond), ms(p50), ms(p99), health);
  if (errorsPerSecond > 0 || !["", "healthy", "running"].includes(health)) return paint("red", text);
  return text;
}

function line(name: string, ...cells: readonly string[]): string {
  const [health = "", ...numbers] = [...cells].reverse();
  return `${shortened(name).padEnd(nameWidth)}${numbers
    .reverse()
    .map((cell) => cell.padStart(9))
    .join("")} ${health}`.trimEnd();
}

/** The end of a name tells backends of an app apart. */
const shortened = (name: string) => (name.length > nameWidth ? `${cut(name, nameWidth - 15)}${name.slice(-15)}` : name);
const cut = (text: string, width: number) => (text.length > width ? `${text.slice(0, width - 1)}…` : text);
const rate = (value: number) => (value >= 10 ? value.toFixed(0) : value.toFixed(1));
const ms = (seconds: number | undefined) =>
  seconds === undefined ? "-" : `${(seconds * 1000).toFixed(seconds < 0.01 ? 1 : 0)} ms`;
