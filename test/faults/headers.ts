/**
 * The headers that a backend has got, by their names in lower case.
 *
 * @param echo what it echoes, or the whole answer with that
 */
export function headersIn(echo: string): Map<string, string> {
  const body = echo.split("\r\n\r\n").pop() ?? "";
  const lines = body.split("\n").map((line) => /^([^:]+): (.*)$/.exec(line));
  return new Map(lines.flatMap((line) => (line ? [[(line[1] ?? "").toLowerCase(), line[2] ?? ""] as const] : [])));
}
