// Has Node.js load TypeScript: node -r ./scripts/typescript.cjs FILE.ts
// sucrase strips the types and leaves lines where they are. What it makes of a file is kept beside the packages: loading
// and running it for each run takes longer than all that the program itself computes.
"use strict";

const { createHash } = require("node:crypto");
const { mkdirSync, readFileSync, renameSync, writeFileSync } = require("node:fs");
const Module = require("node:module");
const { dirname, join, relative, sep } = require("node:path");
const { version } = require("sucrase/package.json");

const root = join(__dirname, "..");
const cache = join(root, "node_modules", ".cache", "stripped-types");

Module._extensions[".ts"] = (module, file) => module._compile(stripped(file), file);

function stripped(file) {
  const source = readFileSync(file, "utf8");
  // Of this very source by this very sucrase: else it is made anew.
  const origin = `\n// ${createHash("sha256").update(version).update(source).digest("hex")}\n`;
  const kept = join(cache, `${relative(root, file).split(sep).join("+")}.js`);
  const code = readIfThere(kept);
  if (code?.endsWith(origin)) return code;
  const made =
    require("sucrase").transform(source, { transforms: ["imports", "typescript"], filePath: file }).code + origin;
  keep(kept, made);
  return made;
}

function readIfThere(file) {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return undefined;
  }
}

/** Whole or not at all: several processes may load the same file. Where nothing can be written, nothing is kept. */
function keep(file, text) {
  const temporary = `${file}.${process.pid}`;
  try {
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(temporary, text);
    renameSync(temporary, file);
  } catch {
    // it is made again next time
  }
}
