// Entry of every npm script: node scripts/bootstrap.cjs SCRIPT [arguments]
// Plain JavaScript without packages, because it has to run before `npm ci`: it sees to Node.js and the npm packages, then
// runs SCRIPT.ts.
"use strict";

const { spawn, spawnSync } = require("node:child_process");
const { createHash } = require("node:crypto");
const { existsSync, readFileSync, writeFileSync } = require("node:fs");
const { join } = require("node:path");

const root = join(__dirname, "..");
const minimumNode = [20, 20];
const stampFile = join(root, "node_modules", ".setup-hash");

function fail(message) {
  console.error(message);
  process.exit(1);
}

function checkNode() {
  const [major, minor] = process.versions.node.split(".").map(Number);
  if (major > minimumNode[0] || (major === minimumNode[0] && minor >= minimumNode[1])) return;
  fail(`Node.js ${process.versions.node} is too old: install ${minimumNode.join(".")} or newer (https://nodejs.org).`);
}

/** What the installed packages follow from; a change of, say, a script in package.json is none. */
function wantedHash() {
  const { dependencies, devDependencies, overrides } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  const lock = readFileSync(join(root, "package-lock.json"), "utf8");
  return createHash("sha256")
    .update(JSON.stringify([dependencies, devDependencies, overrides, lock]))
    .digest("hex");
}

function installedHash() {
  try {
    return readFileSync(stampFile, "utf8");
  } catch {
    return undefined;
  }
}

function installPackages() {
  const wanted = wantedHash();
  console.error("npm packages: npm ci");
  const started = Date.now();
  const npm = process.env.npm_execpath ? [process.execPath, process.env.npm_execpath] : ["npm"];
  const args = ["ci", "--no-audit", "--no-fund", "--loglevel=error"];
  // Output goes to standard error: a script's standard output is its result.
  const { status, signal, error } = spawnSync(npm[0], [...npm.slice(1), ...args], {
    cwd: root,
    stdio: ["ignore", 2, 2],
  });
  if (signal === "SIGINT" || status === 130) process.exit(130);
  if (status !== 0) {
    fail(`npm packages: npm ci failed (${error ? error.message : `exit code ${status}`}), its own words are above.`);
  }
  // Written last, and npm ci starts by removing node_modules: half an installation never has it.
  writeFileSync(stampFile, wanted);
  console.error(`npm packages: ready (${((Date.now() - started) / 1000).toFixed(1)} s)`);
}

function runScript(name, args) {
  const script = join(root, `${name}.ts`);
  if (!existsSync(script)) fail(`There is no ${name}.ts.`);
  const child = spawn(process.execPath, ["-r", join(__dirname, "typescript.cjs"), script, ...args], {
    stdio: "inherit",
  });
  // Ctrl-C reaches the whole process group: leave it to the script to end in order, and report how it ended.
  process.on("SIGINT", () => {});
  process.on("SIGTERM", () => child.kill("SIGTERM"));
  child.on("exit", (code, signal) => process.exit(signal === "SIGINT" ? 130 : (code ?? 1)));
}

const [name, ...args] = process.argv.slice(2);
if (!/^[a-z][a-z/-]*$/.test(name ?? "")) {
  fail(`Usage: node scripts/bootstrap.cjs SCRIPT [arguments], got ${JSON.stringify(name)}`);
}
checkNode();
if (installedHash() !== wantedHash()) {
  // Neither may change anything.
  if (args.includes("--help") || args.includes("-h")) {
    console.log(`${name}: the npm packages are not installed; after npm ci, --help tells more. README.md tells all.`);
    process.exit(0);
  }
  if (args.includes("--no-install")) fail("npm packages: missing or out of date\n  Remedy: npm ci, or npm run setup");
  installPackages();
}
runScript(name, args);
