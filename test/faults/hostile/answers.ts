/** An answer, as far as it has come. */
interface Part {
  readonly status: string;
  readonly head: string;
  readonly body: string;
}

/** The answers in what a client of HTTP/1.1 has got; a 101 takes all that follows it, and what begins with no status is an answer of 0.9. */
export function answersIn(bytes: Buffer): Part[] {
  const answers: Part[] = [];
  for (let rest = bytes.toString("latin1"); rest !== "";) {
    const [head, status] = /^HTTP\/1\.[01] (\d{3})[^]*?\r\n\r\n/.exec(rest) ?? [];
    if (head === undefined || status === undefined) {
      // Part of a head, or none.
      if (!rest.startsWith("HTTP/")) answers.push({ status: "0.9", head: "", body: rest });
      break;
    }
    const length = status === "101" ? rest.length : Number(/^content-length: *(\d+)/im.exec(head)?.[1] ?? 0);
    const body = rest.slice(head.length, head.length + length);
    if (status !== "101" && body.length < length) break;
    answers.push({ status, head, body });
    rest = rest.slice(head.length + body.length);
  }
  return answers;
}

/** Equal ones after one another as one. */
export function gathered(heard: readonly string[]): string {
  const runs: { text: string; count: number }[] = [];
  for (const text of heard) {
    const last = runs.at(-1);
    if (last?.text === text) last.count++;
    else runs.push({ text, count: 1 });
  }
  return runs.map(({ text, count }) => (count > 10 ? `${text} (${count} times)` : Array(count).fill(text).join(" "))).join(" "); // prettier-ignore
}
