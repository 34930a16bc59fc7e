/** The address that clients on the host use for a port that is published at one of its addresses. */
export function urlOf(bindAddress: string, port: number): string {
  const wildcards: Readonly<Record<string, string>> = { "0.0.0.0": "127.0.0.1", "::": "[::1]" };
  const host = wildcards[bindAddress] ?? (bindAddress.includes(":") ? `[${bindAddress}]` : bindAddress);
  return `http://${host}:${port}`;
}
