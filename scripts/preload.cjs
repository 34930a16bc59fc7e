// Makes Node.js ready for the program: node -r ./scripts/preload.cjs (Pulumi.yaml). TypeScript's types are stripped as files are
// loaded, and what Pulumi's SDK loads but this program never uses is loaded only if something uses it after all. That is
// half of the time that a run without a change takes.
"use strict";

const Module = require("node:module");

/** By the names under which the SDK's own files ask for them. */
const loadedAtFirstUse = new Set([
  // They turn functions into text, for resources that are made of code.
  "../../typescript-shim",
  "@npmcli/arborist",
  // pulumi up --tracing
  "@opentelemetry/exporter-zipkin",
  "@opentelemetry/instrumentation",
  "@opentelemetry/instrumentation-grpc",
  "@opentelemetry/resources",
  "@opentelemetry/sdk-trace-base",
  "@opentelemetry/sdk-trace-node",
]);

/**
 * It rewrites the stack trace that the SDK takes of each promise. Without it, errors in the SDK show where they are in
 * its JavaScript; those in the program show their TypeScript lines nevertheless, since stripping keeps lines.
 */
const neverLoaded = "source-map-support/register";

const load = Module._load;
Module._load = (request, parent, isMain) => {
  const really = () => load(request, parent, isMain);
  if (!/[\\/]node_modules[\\/]@pulumi[\\/]pulumi[\\/]/.test(parent?.filename ?? "")) return really();
  if (request === neverLoaded) return {};
  return loadedAtFirstUse.has(request) ? atFirstUse(really) : really();
};

/** Stands for a module until one of its exports is asked for. */
function atFirstUse(loadModule) {
  let loaded;
  return new Proxy(
    {},
    {
      get(_, name) {
        // Asked by code that was compiled from `import * as`, which would copy all exports of a module without it.
        if (name === "__esModule") return true;
        loaded ??= loadModule();
        return loaded[name];
      },
    },
  );
}

require("sucrase/register");
