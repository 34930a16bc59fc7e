const probeTimeoutMs = 10_000;
let answer: Promise<boolean> | undefined;

/** Whether Pulumi's downloads can be reached from here; asked once a run, for 10 seconds at most. */
export function pulumiReachable(): Promise<boolean> {
  answer ??= fetch("https://get.pulumi.com/install.sh", {
    method: "HEAD",
    signal: AbortSignal.timeout(probeTimeoutMs),
  }).then(
    (response) => response.ok,
    () => false,
  );
  return answer;
}
