import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { logFolder } from "../../model/layout";

/** How many bytes of each file have been read. */
export type Offsets = Map<string, number>;

/** Bytes that are read of a file at a time. */
const most = 32 << 20;

/**
 * Reads on in the files of a balancer's log, older ones first: all of their lines that are whole.
 *
 * @param offsets where it goes on; moved on
 * @returns lines, and whether there may be more already
 */
export async function readOn(balancer: string, offsets: Offsets): Promise<{ lines: string[]; isMore: boolean }> {
  const known = [...offsets].map(([file, offset]) => `${file}) at=${offset} ;;`).join(" ");
  const script = `cd ${logFolder} && for file in $(ls -v access-*.log); do
at=0; case $file in ${known} esac
printf '\\n# %s %s\\n' "$file" "$at"
tail -c +$((at + 1)) "$file" | head -c ${most}
done; true`;
  const options = { encoding: "latin1", maxBuffer: 64 * most } as const;
  const { stdout } = await promisify(execFile)("docker", ["exec", balancer, "sh", "-c", script], options);
  const lines: string[] = [];
  let isMore = false;
  const heads = [...stdout.matchAll(/^# (access-\d+\.log) (\d+)\n/gm)];
  for (const [number, head] of heads.entries()) {
    const [{ length }, file = "", offset] = head;
    const next = heads[number + 1]?.index;
    // Without the line's end before the next head.
    const part = stdout.slice(head.index + length, next === undefined ? undefined : next - 1);
    const whole = part.slice(0, part.lastIndexOf("\n") + 1);
    offsets.set(file, Number(offset) + whole.length);
    isMore ||= part.length === most && whole !== "";
    lines.push(...whole.split("\n").slice(0, -1));
  }
  return { lines: lines.map((line) => Buffer.from(line, "latin1").toString()), isMore };
}
