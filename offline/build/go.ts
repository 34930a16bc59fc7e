import { lastWords, type Run } from "../../lib/process";
import { SetupError } from "../../scripts/setup/error";
import type { StepContext } from "../../scripts/setup/step";

export interface GoBuild {
  /** What it is, for messages. */
  readonly what: string;
  /** Folder of the Go module. */
  readonly module: string;
  /** Package in it, as `go build` takes it. */
  readonly package: string;
  /** Build tags. Default: none. */
  readonly tags?: string;
  /** The program to write. */
  readonly output: string;
  /** Full name of the variable that takes the version, and the version. */
  readonly version: readonly [variable: string, value: string];
}

/** Builds a Go program. The status counts the packages that were not in Go's cache. */
export async function goBuild(build: GoBuild, run: Run, { note, status, signal }: StepContext): Promise<void> {
  note(`building ${build.what} from Go modules`);
  let packages = 0;
  let modules = 0;
  const result = await run(
    "go",
    [
      "build",
      "-v",
      "-trimpath",
      "-buildvcs=false",
      ...(build.tags ? ["-tags", build.tags] : []),
      "-ldflags",
      `-s -w -X ${build.version.join("=")}`,
      "-o",
      build.output,
      build.package,
    ],
    {
      cwd: build.module,
      env: { CGO_ENABLED: "0" },
      signal,
      onLine(line) {
        if (line.startsWith("go: downloading")) modules += 1;
        else packages += 1;
        status(packages === 0 ? `${modules} modules downloaded` : `${packages} packages built`);
      },
    },
  );
  if (result.outcome === "not found") {
    throw new SetupError(
      `${build.what} can't be downloaded here, and building it needs Go, which is not installed`,
      "install Go 1.26 or newer (https://go.dev/dl), or run set-up once where get.pulumi.com can be reached",
    );
  }
  if (result.outcome !== "succeeded") {
    throw new SetupError(
      `go build of ${build.what} failed:\n${lastWords(result)}`,
      "see Go's words above; it needs the Go module proxy (go env GOPROXY), and 4 GB in GOCACHE and GOMODCACHE",
    );
  }
}
