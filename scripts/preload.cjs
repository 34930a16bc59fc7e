// Makes Node.js ready for the program: node -r ./scripts/preload.cjs (Pulumi.yaml). TypeScript's types are stripped as files are
// loaded, and what packages load but this program never uses is loaded only if something uses it after all: a third of the
// time that a run without a change would take.
"use strict";

const Module = require("node:module");

/** By the names under which the files of these packages ask for them. */
const packages = /[\\/]node_modules[\\/](@pulumi[\\/]pulumi|zod)[\\/]/;
const loadedAtFirstUse = new Set([
  // They turn functions into text, for resources that are made of code.
  "../../typescript-shim",
  "@npmcli/arborist",
  "normalize-package-data",
  // Pulumi as a library
  "./automation",
  // manifests that are no package.json
  "js-yaml",
  // zod's messages in other languages
  "../locales/index.cjs",
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

/**
 * It has V8's debugger look at all code that is loaded, so that functions can be turned into text. Where that happens after
 * all, it starts then; it then can't tell where functions are that were loaded before.
 */
const startedAtFirstUse = "../../runtime/closure/v8Hooks";

/** It takes a stack trace for each property of each resource, which is read only if promises that leak are debugged. */
const watcherOfPromises = process.env.PULUMI_DEBUG_PROMISE_LEAKS ? undefined : "./debuggable";

const load = Module._load;
Module._load = (request, parent, isMain) => {
  const really = () => load(request, parent, isMain);
  if (!packages.test(parent?.filename ?? "")) return really();
  if (request === neverLoaded) return {};
  if (request === startedAtFirstUse) return { isInitializedAsync: () => Promise.resolve() };
  if (request === watcherOfPromises) return withoutStackTraces(really());
  return loadedAtFirstUse.has(request) ? atFirstUse(really) : really();
};

/** The module with a watch over promises that doesn't know where they come from. */
function withoutStackTraces(watcher) {
  const debuggablePromise = (...args) => {
    const limit = Error.stackTraceLimit;
    Error.stackTraceLimit = 0;
    try {
      return watcher.debuggablePromise(...args);
    } finally {
      Error.stackTraceLimit = limit;
    }
  };
  return { ...watcher, debuggablePromise };
}

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
        // A module that has no exports, but is one thing.
        return name === "default" && !loaded.__esModule ? loaded : loaded[name];
      },
    },
  );
}

require("./typescript.cjs");
