/** A small fault that the unit tests have to notice. */
export interface Mutant {
  /** What the fault comes to, unique in the table. */
  readonly name: string;
  /** The file that it is made in. */
  readonly file: string;
  /** Text that occurs exactly once in the file: as short as can be, so that edits around it don't touch it. */
  readonly find: string;
  /** What takes its place; the file must still load. */
  readonly replace: string;
  /** The test files that have to notice, as they are called below test/unit, without `.test.ts`. */
  readonly tests: readonly string[];
}

/** Faults of one file that the same tests have to notice; `part` begins their names. */
const faultsIn =
  (part: string, file: string, ...tests: readonly string[]) =>
  (name: string, find: string, replace: string): Mutant => ({ name: `${part}: ${name}`, file, find, replace, tests });

const hashes = faultsIn("tree hash", "lib/tree-hash.ts", "build-context", "tree-hash");
const inPool = faultsIn("backend", "components/backend-pool.ts", "components", "containers");
const inBalancer = faultsIn("balancer", "components/balancer.ts", "components", "containers");
const inEntry = faultsIn("entry", "components/entry.ts", "components", "containers");
const inOpening = faultsIn("entry", "rollout/steps/entry.ts", "open-entry");
const inAddress = faultsIn("entry", "model/entry.ts", "entry", "port");
const inCertificates = faultsIn("certificate", "model/certificates.ts", "certificates");
const inTls = faultsIn("TLS", "model/tls.ts", "settings-tls", "tls");
const inAcme = faultsIn("certificates of an authority", "rollout/steps/certificates.ts", "tls");
const inAcmeText = faultsIn("certificates of an authority", "nginx/render/acme.ts", "nginx-config");
const inAttachments = faultsIn("certificate", "rollout/certificates.ts", "tls");
const inTlsText = faultsIn("TLS", "nginx/render/tls.ts", "nginx-config");
const inHardening = faultsIn("every container", "components/hardening.ts", "components", "containers");
const inImages = faultsIn("images", "components/stack-images.ts", "components", "containers");
const inHealth = faultsIn("health command", "model/health-command.ts", "health-command");
const inIdentity = faultsIn("identity", "model/identity.ts", "steps");
const inRecord = faultsIn("record", "model/record.ts", "steps");
const inLook = faultsIn("look", "rollout/observe.ts", "steps");
const inLeft = faultsIn("images", "rollout/images.ts", "images");
const inDrift = faultsIn("drift", "rollout/drift.ts", "status");
const inPreflight = faultsIn("preflight", "rollout/preflight.ts", "preflight");
const inPlan = faultsIn("plan", "rollout/plan.ts", "rollout");
const inHandover = faultsIn("plan", "rollout/handover.ts", "rollout");
const inOwnership = faultsIn("plan", "rollout/ownership.ts", "rollout");
const inDestroy = faultsIn("destroy", "rollout/destroy.ts", "waits");
const inFigures = faultsIn("figures", "model/figures.ts", "figures");
const inScreen = faultsIn("watch", "scripts/watch/screen.ts", "watch");
const inGraph = faultsIn("graph", "model/graph.ts", "graph");
const inLog = faultsIn("log", "model/log.ts", "log");
const inLogText = faultsIn("log", "nginx/render/logs.ts", "nginx-config", "log");
const inLogKeeping = faultsIn("log", "nginx/image/log.pl", "log-keeping");
const inRequestIds = faultsIn("log", "nginx/render/headers.ts", "nginx-config");
const inStart = faultsIn("start", "nginx/image/start.sh", "start");
const inMemberships = faultsIn("plan", "rollout/memberships.ts", "rollout");
const inReloads = faultsIn("plan", "rollout/reloads.ts", "rollout");
const inApply = faultsIn("apply", "rollout/apply.ts", "rollout");
const inProbe = faultsIn("probe", "rollout/steps/probe.ts", "steps");
const inConfig = faultsIn("config", "config.ts", "config");
const inPort = faultsIn("port", "rollout/port.ts", "port");
const inSettings = faultsIn("settings", "model/settings.ts", "settings");
const inApp = faultsIn("an app", "model/app.ts", "settings", "settings-apps");
const inRoutes = faultsIn("routes", "model/routes.ts", "settings-apps", "routes");
const inMounts = faultsIn("mounts", "model/mounts.ts", "settings-apps");
const inImageNames = faultsIn("an image's name", "model/image-names.ts", "settings-apps");
const inWants = faultsIn("what apps ask the host for", "rollout/wants.ts", "wants");
const inSubnets = faultsIn("subnets", "model/subnets.ts", "subnets");
const inMetrics = faultsIn("metrics", "model/metrics.ts", "metrics");
const inProgram = faultsIn("metrics", "nginx/metrics/metrics.mtail", "metrics");
const inExporters = faultsIn("metrics", "rollout/exporters.ts", "rollout");
const inKept = faultsIn("metrics", "rollout/plan.ts", "rollout");
const inFree = faultsIn("subnets", "rollout/subnets.ts", "subnets");
const inRules = faultsIn("settings", "model/rules.ts", "settings");
const inSites = faultsIn("sites", "nginx/render/sites.ts", "routes", "nginx-config");
const inProxies = faultsIn("proxies", "model/proxies.ts", "proxies");
const inNetworks = faultsIn("proxies", "model/networks.ts", "proxies");
const inTrust = faultsIn("proxies", "nginx/render/proxies.ts", "nginx-config");
const inPinned = faultsIn("an image's name", "rollout/pinned-images.ts", "pinned-images");
const inAnswers = faultsIn("public address", "rollout/steps/public-address.ts", "steps", "tls");
const inCandidate = faultsIn("candidate", "rollout/steps/candidate.ts", "waits");
const inHealthcheck = faultsIn("candidate", "rollout/steps/healthcheck.ts", "waits");
const inReload = faultsIn("reload", "rollout/steps/reload.ts", "waits");
const inVolume = faultsIn("a change", "rollout/steps/volume.ts", "waits");
const inTopology = faultsIn("topology", "model/topology.ts", "nginx-config");
const inRetry = faultsIn("retry", "nginx/render/retry.ts", "retry");
const inDirectives = faultsIn("directives", "model/directives.ts", "directives");
const inServerConfig = faultsIn("serverConfig", "model/server-config.ts", "directives");
const inHeaders = faultsIn("headers", "nginx/render/headers.ts", "directives", "nginx-config");
const inPolicyHeaders = faultsIn("headers", "nginx/render/policy/headers.ts", "nginx-config");
const inScope = faultsIn("scopes", "model/policies/scope.ts", "policies");
const inCanaryApply = faultsIn("apply", "rollout/apply.ts", "canary");
const inCanary = faultsIn("canary", "model/policies/canary.ts", "canary");
const inBeforeSwitch = faultsIn("command before the switch", "rollout/before-switch.ts", "before-switch");
const inCommand = faultsIn("command before the switch", "components/before-switch.ts", "before-switch");
const inPrepared = faultsIn("command before the switch", "components/backend-pool.ts", "before-switch");
const inVersion = faultsIn("canary", "model/identity.ts", "canary");
const inWatch = faultsIn("canary", "rollout/steps/canary.ts", "canary-watch");
const inHistory = faultsIn("canary", "rollout/steps/canary-history.ts", "canary-watch");
const inJournal = faultsIn("history", "model/history.ts", "history");
const inKeptSettings = faultsIn("history", "model/kept-settings.ts", "rollback");
const inKeeping = faultsIn("history", "rollout/history.ts", "history");
const inEnding = faultsIn("history", "rollout/apply.ts", "history");
const inRollback = faultsIn("rollback", "scripts/rollback.ts", "rollback");
const inSeal = faultsIn("history", "lib/seal.ts", "history");
const inAsker = faultsIn("canary", "rollout/asker.ts", "asker");
const inVerdict = faultsIn("canary", "model/policies/verdict.ts", "verdict");
const inCompression = faultsIn("compression", "nginx/render/policy/compression.ts", "nginx-config");
const inCache = faultsIn("cache", "nginx/render/policy/cache.ts", "nginx-config");
const inSticky = faultsIn("sticky", "model/policies/sticky.ts", "policies");
const inAccess = faultsIn("access", "model/policies/access.ts", "policies-access");
const inUsers = faultsIn("access", "model/policies/users.ts", "policies-access");
const inUsersAttached = faultsIn("access", "rollout/certificates.ts", "policies-access");
const inAccessText = faultsIn("access", "nginx/render/policy/access.ts", "policies-access");
const inLimits = faultsIn("limits", "model/policies/limits.ts", "policies-limits");
const inLimitsText = faultsIn("limits", "nginx/render/policy/limits.ts", "policies-limits");
const inPause = faultsIn("pause", "model/policies/pause.ts", "policies", "nginx-config");
const inPauseText = faultsIn("pause", "nginx/render/policy/pause.ts", "nginx-config");
const inSpool = faultsIn("spool", "nginx/render/spool.ts", "spool", "nginx-config");
const inHttp2 = faultsIn("load", "scripts/load/http2.ts", "load-http2");
const inConnection = faultsIn("load", "scripts/load/http2-connection.ts", "load-http2");
const inLoadTls = faultsIn("load", "scripts/load/tls.ts", "load-tls");
const inEntrance = faultsIn("load", "scripts/entrance.ts", "entrance");
const inTakeover = (file: string, ...tests: readonly string[]) => faultsIn("takeover", file, ...tests);
const inNginx = faultsIn("nginx", "nginx/render/config.ts", "nginx-config");
const inUpstreams = faultsIn("nginx", "nginx/render/upstreams.ts", "nginx-config");

export const mutants: readonly Mutant[] = [
  hashes("constant", `return hash.digest("hex")`, `return "0".repeat(64)`),
  hashes("Dockerfile not hashed when it is ignored", `readAnyway = ["Dockerfile", `, "readAnyway = ["),
  hashes("executable bit not hashed", `=== "755" ? "executable"`, `=== "755" ? "file"`),
  hashes("contents not hashed", ".update(readFileSync(file))", ".update(file)"),
  hashes("a link's target not hashed", "link ${readlinkSync(file)}", "link"),
  hashes("a linked Dockerfile not read", "hash.update(readFileSync(dockerfile))", "void dockerfile"),
  hashes("a value's keys not sorted", "? sortedEntries(part) : part", "? part : part"),
  {
    name: "build context: .dockerignore not read",
    file: "lib/build-context.ts",
    find: "const patterns = readPatterns(folder);",
    replace: "const patterns = [];",
    tests: ["build-context"],
  },
  inImages("a folder by another spelling is another one", `relative("", source.context) || "."`, "source.context"),

  {
    name: "labels: in the order in which they are written",
    file: "model/labels.ts",
    find: ".sort(([a], [b]) => (a < b ? -1 : 1))",
    replace: "",
    tests: ["components", "containers"],
  },

  inPool("no destroy grace", "destroyGraceSeconds: args.drainSeconds,", ""),
  inPool("destroy grace is a constant", "destroyGraceSeconds: args.drainSeconds", "destroyGraceSeconds: 10"),
  inPool("waits in the provider", "wait: false", "wait: true"),
  inPool("alias label missing", "[labels.alias]: alias", ""),
  inPool("hash label missing", "[labels.hash]: hash,", ""),
  inPool("role label wrong", `[labels.role]: "backend"`, `[labels.role]: "balancer"`),
  inPool("slot label wrong", "[labels.slot]: slot.name", "[labels.slot]: slot.app.name"),
  inPool("stack label missing", `[labels.stack]: args.stackLabel,\n    [labels.role]`, "[labels.role]"),
  inPool("old one deleted first", "deleteBeforeReplace: false", "deleteBeforeReplace: true"),
  inPool("changed healthcheck not applied", "\n          replaceOnChanges,", ""),
  inPool("image not in the hash", "image: image.tag,", ""),
  inPool("revision not in the hash", "revision: args.revision,\n      });", "});"),
  inPool("environment not in the hash", ": keyedHash(variables, key)", ": {}"),
  inPool("environment hashed without a key", ": keyedHash(variables, key)", ": variables"),
  inPool("secrets in the environment not in the hash", "{ ...env, ...secretEnv }", "{ ...env }"),
  inPool("networks not in the hash", `"its app's own", ...slot.app.networks]`, `"its app's own"]`),
  inPool("all apps on one network", `this.networks[slot.app.name] ?? ""`, `Object.values(this.networks)[0] ?? ""`),
  inPool("volumes writable", `mode !== "rw"`, `mode === "rw"`),
  inPool("environment not secret", "pulumi.secret(environmentOf(slot.app))", "environmentOf(slot.app)"),
  inPool(
    "aliases of others given again",
    "chooseAlias(slot.name, hash, args.existing, ",
    "chooseAlias(slot.name, hash, [], ",
  ),
  inPool("base image not handed to the build", "{ PYTHON_IMAGE: args.pythonImage }", "{}"),

  inEntry("starts in its predecessor's way", "start: false", "start: true"),
  inEntry("published at a wrong address", "ip: bindAddress", `ip: "0.0.0.0"`),
  inEntry("role label wrong", `[labels.role]: "entry"`, `[labels.role]: "balancer"`),
  inEntry("not another one for another address", "image: tag, address,", "image: tag,"),
  inEntry("not another one for another image", "{ image: tag, address,", "{ address,"),
  inEntry("a new one's address not labelled", "[labels.listen]: address", `[labels.listen]: ""`),
  inAddress("a longer port is the same", "port === wanted.port", "port.endsWith(wanted.port)"),
  inAddress("a wildcard is nobody's", "[host, wanted.host].some(isWildcard)", "isWildcard(wanted.host)"),
  inAddress("IPv6 addresses have two spellings", String.raw`.replace(/^\[|\]$/g, "")`, ""),
  inAddress("the gap of a takeover is not said", "owner === entry.owner)", "owner !== undefined)"),
  inAddress("the gap is said where nothing runs", `state === "running" &&`, `state !== "" &&`),
  inHandover(
    "a new balancer serves untried",
    "!isServing && predecessors.length > 0",
    "isServing && predecessors.length > 0",
  ),
  inHandover("a new balancer is not told to serve", "if (!isServing) start", "if (isServing) start"),
  inHandover("an older balancer's port is in nobody's way", `...older("balancer")].filter`, `].filter`),
  inHandover("an older balancer answers for a new one", "if (entries.some(isOpen))", "if (entries.length > 9)"),
  inApply("a balancer that was ended is not brought back", `"quit", "canary"`, `"canary"`),
  inCanaryApply("a canary that is aborted leaves its share", `"quit", "canary"`, `"quit"`),
  inCanaryApply(
    "a canary that is aborted goes on running",
    `operation.op === "canary" && error instanceof CanaryAborted`,
    `operation.op === "canary" && error instanceof RangeError`,
  ),
  inCanaryApply("a canary that was killed is gone on from", "if (left !== undefined)", "if (left === null)"),
  inBeforeSwitch("what a power cut ended has succeeded", " && exitCode === 0", ""),
  inBeforeSwitch("is started beside the next update's", "if (isLeft())", "if (false)"),
  inBeforeSwitch("what is over at once says nothing", "isOver(outcome) && !isUnheard", "isOver(outcome)"),
  inBeforeSwitch(
    "one that has run is started again",
    "one.hash === hash && isSuccess(ended)",
    "one.hash === hash && !isSuccess(ended)",
  ),
  inBeforeSwitch(
    "one that is paused is over",
    `["created", "exited", "dead"]`,
    `["created", "paused", "exited", "dead"]`,
  ),
  inCommand("is started by the engine, too", "start: false", "start: true"),
  inCommand("is started again by Docker", `restart: "no"`, `restart: "always"`),
  inPrepared("backends don't wait for it", "dependsOn: prepared", "dependsOn: []"),
  inPrepared(
    "another environment is no other release",
    "command, networks, env: environmentHash(app, args.key)",
    "command, networks",
  ),
  inPlan("a command's container goes before the next release", ", ...prepared", ""),
  inCanary("the older ones' share is that of the fresh ones", "(100 - share)", "share"),
  inVersion("a version that comes again is judged, too", String.raw`(?:-\d+)?$/.exec(name)`, "$/.exec(name)"),
  inVerdict("slowness that came once aborts", "else if (this.slower > before)", "else"),
  inVerdict("the first slow look aborts", "this.slow < looks", "this.slow < 1"),
  inVerdict(
    "what old ones fail is held against fresh ones",
    "older.failed / older.requests + maxErrorPoints / 100",
    "maxErrorPoints / 100",
  ),
  inVerdict("no answer is no failure", "!(status >= 100 && status < 500)", "status >= 500"),
  inWatch("one that nobody waits for goes on", "asker.isLeft()", "false"),
  inHistory("an order for the one before is obeyed", "if (judged.length === 0)", "if (judged.length < 0)"),
  inHistory("an order that comes between two steps is lost", "if (judged.length === 0)", "if (judged.length >= 0)"),
  inHistory(
    "what was brought to its end is called taken back",
    "history?.outcome === running",
    "history !== undefined",
  ),
  inJournal(
    "a number comes again when the oldest have gone",
    "Math.max(0, ...known.map((one) => one.entry.n)) + 1",
    "known.length + 1",
  ),
  inJournal(
    "a foreign line is fatal",
    "entrySchema.safeParse(parseJson(line))",
    "{ success: line !== '', data: entrySchema.parse(JSON.parse(line || '{}')) }",
  ),
  inJournal("it grows without end", ".slice(-mostEntries)", ""),
  inJournal("it grows beyond its bytes", "total > mostBytes", "false"),
  inJournal("bytes are characters", "Buffer.byteLength(line) + 1", "line.length + 1"),
  inJournal("the newest goes for being long", "gone < lines.length - 1", "gone < lines.length"),
  inJournal(
    "what a later version wrote beside is lost",
    "known.map(({ line }) => line)",
    "known.map(({ entry: one }) => JSON.stringify(one))",
  ),
  inJournal("it goes back to what failed", `result === "done"`, `result !== "put back"`),
  inJournal("it goes back to where it is", "entries.slice(0, -1).findLast", "entries.findLast"),
  inKeeping(
    "a change fails for its history",
    "log(`This change is not in the history: ${messageOf(error)}`)",
    "throw error",
  ),
  inKeeping("secrets are in the diff", "isSecret || known.isSecret", "known.isSecret"),
  inKeeping("secrets of before are in the diff", "isSecret || known.isSecret", "isSecret"),
  inKeeping("what nobody knows to be no secret is in the diff", "if (known === undefined) return", "if (false) return"),
  inKeeping("keys are in the diff", "/^\\w+\\.(?:conf|txt)$/.test(name)", "name !== ''"),
  inKeeping("a diff is as long as it likes", "lines.slice(0, mostLines)", "lines"),
  inKeeping("a failure is as long as it likes", "cut(ending.failure, mostOfFailure)", "ending.failure"),
  inEnding("a failed change is not kept", `await keep({ ...ended(), result, failure: messageOf(error) });`, ""),
  inEnding("one that was put back is told as one that left all as it was", `result = "put back";`, ""),
  inEnding("the step that a canary was aborted in is not told", "canary.push(error.step)", "void error"),
  inKeptSettings("the order of keys makes other settings", "Object.keys(settings).sort()", "Object.keys(settings)"),
  inKeptSettings("keepImages takes the balancer's step", "(leftOut.has(key) ? [] : ", "(key === '' ? [] : "),
  inKeptSettings("keepImages is gone back to", "!leftOut.has(key) && ", ""),
  inKeptSettings("they are kept however long they are", "Buffer.byteLength(text) > mostBytes", "false"),
  inKeptSettings("a secret key is changed", "!secret.includes(key) && ", ""),
  inKeptSettings(
    "another spelling is a change",
    "!isDeepStrictEqual(values.then[key], values.now[key])",
    "then.settings[key] !== now.settings[key]",
  ),
  inKeptSettings("a key that was not there stays", "other.filter((key) => !(key in set))", "[]"),
  inKeptSettings("what may be secret is shown", "show(value, isHidden(path))", "show(value, false)"),
  inSeal("what was edited is read", ' + decipher.final("utf8")', ""),
  inSeal(
    "the same text is another one each time",
    `keyedHash(text, keyedHash("iv", key))`,
    `keyedHash([text, Math.random()], keyedHash("iv", key))`,
  ),
  inRollback("it goes to what has never served", `entry.result !== "done"`, "false"),
  inRollback("another source is taken for the one of then", "hashTree(folder) === source", "true"),
  inRollback("an image that was pruned is not told", "then.problem !== undefined", "false"),
  inRollback(
    "a name that has moved is not told",
    "if (now.pinned === pinned) return undefined;",
    "if (now.pinned !== '') return undefined;",
  ),
  {
    name: "history: settings are in previews",
    file: "components/balancer.ts",
    find: "SETTINGS: pulumi.secret(args.settings)",
    replace: "SETTINGS: args.settings",
    tests: ["containers"],
  },
  inAsker("that nobody reads any more is not noticed", " || !isHeard", ""),
  inPolicyHeaders(
    "an answer keeps its backend's header, too",
    "proxy_hide_header ${name}`)",
    "proxy_pass_header ${name}`)",
  ),
  inSites(
    "a policy is lost below a path that is taken off",
    '${indented(policy.join(""))}${strip === "" ? "" : renderStrip(strip)}',
    '${strip === "" ? "" : renderStrip(strip)}${indented(policy.join(""))}',
  ),
  inScope("a path is below one that it only begins like", "`${path}/`.startsWith(`${head}/`)", "path.startsWith(head)"),
  inScope("the widest entry wins", "a.length - b.length ||", "b.length - a.length ||"),
  inCompression("an answer through a proxy is left as it is", "gzip_proxied any;", "gzip_proxied off;"),
  inCache("an answer of another version is given", "$cache_version $scheme", "$scheme"),
  inSticky(
    "the cookie tells the backend's name",
    '.update(`sticky ${server}`).digest("hex").slice(0, 20)',
    '.digest("hex").slice(0, 0) + server',
  ),
  inHandover("an old entry goes on taking connections", "closed.length > 0", "closed.length > 1"),
  inHandover("an entry on no network is open", `state === "running" && networks.length > 0`, `state === "running"`),
  inHandover("a paused entry is opened, too", ` || state === "paused";`, ";"),
  inHandover("published on the backends' network", "entry, network, predecessors", "entry, network: '', predecessors"),
  inHandover("what is opened is published once more", "entries.filter(isOpen)", "entries"),
  inOpening("published before it is there", "await leave(entry, await networksOf(entry));", ""),
  inOpening("takes the port away before it listens", `await untilItServes("entry", `, `void untilItServes("entry", `),
  inOpening("takes the port away for good", "of released) for", "of released.slice(1)) for"),
  inOpening(
    "comes back to one of its networks",
    "for (const name of names) await tryDocker(",
    "for (const name of names.slice(0, 1)) await tryDocker(",
  ),
  inOpening("runs on beside the one that has the port back", `await tryDocker("stop", "--time", "0", entry);`, ""),
  inOpening("its port is published anew where it is still published", "await leave(entry, names);", ""),
  {
    name: "entry: on no network is on one",
    file: "rollout/containers.ts",
    find: `text.split(",").filter(Boolean)`,
    replace: `text.split(",")`,
    tests: ["open-entry"],
  },
  inPlan(
    "a balancer that starts is told to read again",
    `start.some(({ op }) => op === "await")`,
    `start.some(({ op }) => op === "try")`,
  ),
  inMemberships(
    "a new balancer doesn't reach what its predecessor does",
    `role === "balancer" && id !== balancer &&`,
    `role === "" &&`,
  ),
  inPlan("what is removed anyway is limited", "unlimited.filter((id) => serving.has(id))", "unlimited"),
  inMemberships("a backend off its network is nobody's business", "wanted.has(one.id) && isApart(one)", "false"),
  inMemberships("a network is joined that has been", "&& !on.has(network)", ""),
  inMemberships(
    "the balancer stays on networks of apps that are gone",
    "filter((network) => !needed.has(network))",
    "filter(() => false)",
  ),
  inMemberships("the balancer leaves the network of the entries", "...entries.map(({ network }) => network),", ""),
  inBalancer("role label wrong", `[labels.role]: "balancer"`, `[labels.role]: "backend"`),
  inBalancer("installed with another stack's label", "stack: args.stackLabel,", "stack: labels.stack,"),
  inBalancer("on no network of its own", "[{ name: args.entry.networkName }]", "[]"),
  inBalancer(
    "the drain's seconds are a constant",
    "policy: { drainSeconds: args.topology.proxy.drainSeconds",
    "policy: { drainSeconds: 10",
  ),
  inBalancer(
    "the engine ends it at once",
    "destroyGraceSeconds: args.topology.proxy.drainSeconds",
    "destroyGraceSeconds: 0",
  ),
  inBalancer("patience is a constant", "healthTimeoutSeconds: args.healthTimeoutSeconds", "healthTimeoutSeconds: 60"),
  inBalancer("an adopted stack's containers are left", "owners: [owner, adopted]", "owners: [owner]"),
  inBalancer("base image not handed to the build", "{ NGINX_IMAGE: args.nginxImage }", "{}"),
  inBalancer("its volume mounted elsewhere", "containerPath: volumeFolder", `containerPath: "/etc/nginx"`),

  inHardening("empty replaceOnChanges", `= ["healthcheck", "tmpfs"]`, "= []"),
  inHardening("a changed tmpfs not applied", `"healthcheck", "tmpfs"`, `"healthcheck"`),
  inHardening("writable", "readOnly: true", "readOnly: false"),
  inHardening("swap besides its memory", "memorySwap: memoryMb", "memorySwap: 2 * memoryMb"),
  inHardening("log without an end", `"max-size": "10m", `, ""),
  inHardening("left down after Docker has crashed", `restart: "always"`, `restart: "unless-stopped"`),

  inImages("old one deleted first", "deleteBeforeReplace: false", "deleteBeforeReplace: true"),
  inImages("removed by the provider", "keepLocally: true", "keepLocally: false"),
  inImages("another source is the same image", "source: tree, ", ""),
  inImages("build arguments not in the hash", "source: tree, buildArgs }", "source: tree }"),
  inImages("not built again", "triggers: { source: hash }", "triggers: {}"),
  inImages("a destroy takes what is another stack's", "STACK: args.stackLabel", "STACK: this.name"),

  inConfig("keys of another namespace are ours", "key.startsWith(namespace) ?", "key.includes(`:`) ?"),
  inConfig("a folder without a Dockerfile is an app", `existsSync(join(path, "Dockerfile"))`, "existsSync(path)"),
  inConfig(
    "an error of the user's shows a stack trace",
    "throw new pulumi.RunError(messageOf(error));",
    "throw error;",
  ),
  inPort(
    "an address that isn't this host's passes (EADDRNOTAVAIL)",
    `code === "EADDRNOTAVAIL"`,
    `code === "EADDRINUSE"`,
  ),
  inPort("one that is in use passes (EADDRINUSE)", `code === "EADDRINUSE"`, `code === "EACCES"`),
  inPort("the stack's own is somebody else's", "if (isTakenBy(", "if (!isTakenBy("),

  inIdentity("an alias that is taken is given again", "if (!taken.has(alias)) return alias;", "return alias;"),
  inIdentity("an alias of another identity's is used on", " && newest.owner === owner", ""),
  inIdentity("what does not run is not mended", " && !live.isAiling", ""),
  inIdentity("another release passes for the wanted one", "live.id === id && ", ""),
  inRecord("another version's is read", "schema: z.literal(schemaVersion)", "schema: z.number()"),
  inRecord("an id may be a path", "id: z.string().regex(/^[0-9a-f]{16}$/)", "id: z.string()"),
  inLook("files that were edited pass", "hashes.get(name) === hash", "true"),
  inLook("another page passes for the release that is served", "/^[0-9a-f]{16}$/.test(served)", `served !== ""`),
  inLeft("another tag of an image that is used is left", "used.has(id) ? [] : tag", "tag"),
  inLeft("an image that a container names is left", "!named.has(tag)", "true"),
  inDrift("an image that was left is none", "of images)", "of [] as string[])"),
  inDrift("an unhealthy backend is none", ` || container.health === "unhealthy"`, ""),
  inDrift("files that were edited are none", "&& intact === false", "&& intact === true"),
  inDrift("files that nobody could look at were edited", "&& intact === false", "&& intact !== true"),
  inDrift("a dead port is none", "if (closed.length === 0)", "if (false)"),
  inDrift("an entry that ended is none", `entry?.state === "running" ? []`, "true ? []"),
  inHandover("the port of TLS is not published again", "observed.unreachable.includes(url)", "false"),
  inCertificates("one that has ended passes", "Date.parse(validTo) <= now", "Date.parse(validTo) < 0 * now"),
  inCertificates("one that has not begun passes", "Date.parse(validFrom) > now", "Date.parse(validFrom) < 0 * now"),
  inCertificates("a chain in any order passes", "if (!isSignedBy(below, above))", "if (false)"),
  inCertificates("a chain without its end passes", "if (isSelfSigned(last) || isKnown())", "if (true)"),
  inCertificates("any key passes", "leaf.checkPrivateKey(createPrivateKey(pem)) ||", "true ||"),
  inCertificates(
    "a wildcard stands for two labels",
    'host.replace(/^[^.]+/, "*") === name',
    "host.endsWith(name.slice(1))",
  ),
  inCertificates(
    "two of one kind for a host",
    "other.kind === kind) === index",
    "other === covering[index]) === index",
  ),
  inCertificates("an authority that signs itself is sent", "index === 0 || !isSelfSigned(one)", "true"),
  inCertificates("told of too late", "days < warningDays", "days < 2"),
  inTls("a host without a certificate passes", "certificates).length === 0)", "certificates).length < 0)"),
  inTls("preload for less than a year", "tls.hstsPreload && tls.hsts < preloadSeconds", "false"),
  inTls("an authority is asked for wildcards", `!host.startsWith("*") && `, ""),
  inTls("an authority is asked for addresses", "isIP(host) !== 0", "isIP(host) === 6"),
  inTls(
    "browsers' authorities are asked for names without a dot",
    `host.includes(".") || acme`,
    `host.includes("") || acme`,
  ),
  inTls("one's own authority is not asked for names without a dot", " || acme?.authorityFile !== undefined", ""),
  inTls("a second kind of key is in vain", ".filter((other) => other.kind === kind)", ""),
  inTls(
    "a certificate for one more name is in vain",
    "names.some((name) => certificatesFor",
    "names.every((name) => certificatesFor",
  ),
  inTls("another certificate is told to be in the way", "certificates.indexOf(first)", "before.indexOf(first)"),
  inTls(
    "hosts lack what a file that can't be read may be for",
    "certificates.length < tls.certificates.length",
    "false",
  ),
  inTls("an app takes the path of an authority's questions", "`${path}/`.startsWith", "path.startsWith"),
  inTls("certificates of one authority pass for another's", "hashValue(acme.directory)", `hashValue("")`),
  inTls("a name to get that has a certificate", "if (isCertified(host)) return", "if (false) return"),
  inAcmeText("the authority's questions are sent on", "if ($uri ~ ^", "if ($uri ~ ^/none"),
  inAcmeText("sent on before there is a certificate", "if (-f ", "if (!-f "),
  inAcme("a failed host is none", "split(/^host /m).slice(1)", "split(/^host /m).slice(2)"),
  inAnswers(
    "no handshake before there is a certificate is a failure",
    "answer.status === undefined && isOptional",
    "false",
  ),
  inAttachments("another certificate than in the preview", "if (reading === undefined)", "if (false)"),
  inTlsText("other names get a handshake", "    ssl_reject_handshake on;\n", ""),
  inTlsText("other names on a known connection get a site", "    return 421;\n", ""),
  inTlsText("older protocols", `modern: "  ssl_protocols TLSv1.3;`, `modern: "  ssl_protocols TLSv1.2;`),
  inTlsText("sessions end with a reload", "  ssl_session_cache shared:tls:10m;\n", ""),
  inTlsText("a redirect's name is another app's, too", "...redirects.map(({ from }) => from)", ""),
  inPreflight("another identity passes", "!isOwn(one.owner) && !isKept(one)", "false"),
  inPreflight("any identity is adopted", "owner === adopt;", `adopt !== "";`),
  inPreflight("an entry that was kept is another state's", "one.owner === own.adopted || ", ""),
  inPreflight(
    "an entry that was kept before is another state's",
    "one.volumes.some((volume) => volumes.has(volume))",
    "false",
  ),
  inPreflight("whatever has the entry's volume is its own", `one.role === "entry" && (`, "("),
  inPreflight("told to be at an address that nobody can ask", `"0.0.0.0": "127.0.0.1", `, ""),

  inPlan("what adopted containers were on stays", "isAdopted(one, destination) && !serving.has(one.id)", "false"),
  inPlan("what the stack's own are on is removed", "isAdopted(one, destination) && ", ""),
  inPlan("an entry that was kept has others looked for again and again", " && !serving.has(one.id)", ""),
  inOwnership("an entry of further back is another stack's", " || kept.has(id)", ""),
  inMemberships("joins the networks of what it takes over", "!isAdopted(one, destination)", "true"),
  inPlan("takes connections before its first release was tried", "...(isBare ? [] : start),", "...start,"),
  inPlan("starts with files that were edited", " || intact === false", ""),
  inHandover(
    "a first balancer has nothing to start with",
    "if (first !== undefined) start",
    "if (first?.length === 99) start",
  ),
  inHandover("backends need not answer through a first nginx", "probe: first ?? []", "probe: []"),
  inAddress("an entry that the own state knows is kept beside it", `one.owner === "" || one.owner === owner`, "false"),
  inAddress(
    "an entry that doesn't run is kept before one that does",
    `whole.find(({ state }) => state === "running") ?? `,
    "",
  ),
  inAddress("an entry on no network is kept", "networks.length > 0 && ", ""),
  inAddress(
    "entries of two volumes are kept",
    "found.filter(({ volumes }) => volumes[0] === found[0]?.volumes[0])",
    "found",
  ),
  inEntry("made beside the one that is kept", "id !== undefined || image === undefined", "image === undefined"),
  inDestroy("ends what serves another state", "successor !== undefined && isShared", "false"),
  inDestroy("what no state knows is left", "if (unknown.length > 0) await stopContainers(unknown, 0);", ""),
  inFigures(
    "a counter that has begun anew has gone back",
    "sample.value >= was ? sample.value - was : sample.value",
    "sample.value - was",
  ),
  inFigures("an attempt without an answer is no error", "/^[05]/", "/^5/"),
  inFigures("a site has all requests", 'labels["site"] === site', "site !== undefined"),
  inFigures("a slow request has taken for ever", "most === Infinity ? bound", "most === Infinity ? most"),
  inFigures("a time is its bucket's bound", "* (share * total - below)", "* (count - below)"),
  inFigures("an escaped quote ends a label", String.raw`(?:[^"\\]|\\.)*`, '[^"]*'),
  inScreen("what does not fit scrolls", "servers.slice(0, room - 1)", "servers"),
  inScreen("a backend that has ended is as the others", '!["", "healthy", "running"].includes(health)', "false"),
  inGraph("a redirect leads nowhere", "hosts.includes(to)", "hosts[0] === from"),
  inGraph("one that drains is as the others", "share, weight === 0", "share"),
  inGraph("a name is part of Mermaid's text", '[#"<>&]', "[&]"),
  inGraph("a name is part of Graphviz's text", '/["\\\\]/g', "/[ ]/g"),
  inLog("an attempt that nginx has begun anew is part of the one before", ", | : ", ", "),
  inLog("what a waiting request asked is an attempt", 'address.startsWith("unix:")', "false"),
  inLog("an answer that did not come has a status", 'part === "-" ? undefined : Number(part)', "Number(part)"),
  inLog("whose an address was stays so", "names.set(address", "names.get(address) ?? names.set(address"),
  inLog("the first attempt is the one that answered", "attempts.at(-1)", "attempts.at(0)"),
  inLog("a line of the second since when is left out", "line.time < since", "line.time <= since"),
  inLog("other lines come where a status is asked for", "[site, id, status]", "[site, id]"),
  inLog("a stranger's text commands the terminal", "\\u007f-\\u009f", ""),
  inLogText("a client makes up sites", "default ${others};", "default $host;"),
  inLogText("a candidate's requests are counted", "metrics === true && isLive", "metrics === true"),
  inLogText("a candidate's requests are logged", "json: isLive ?", 'json: String(isLive) !== "" ?'),
  inLogText("the balancer's own looks are counted", "${id} 0;", "${id} 1;"),
  inLogText("a file has all of the room", "logMb / 4", "logMb"),
  inRequestIds("an app's own id reaches the client, too", "`${hideRequestId};`", '""'),
  inRequestIds("an id of any length is taken over", "{1,128}", "+"),
  inLogKeeping("the newest file goes", "$1 <= $next - $files", "$1 >= $next - $files + 1"),
  inLogKeeping("nginx is not told of the next file", "kill 'USR1', $nginx;", ""),
  inLogKeeping("a name that nobody answers for is waited for", "can_read(0.3)", "can_read(9)"),
  inLogKeeping("what comes before an address is one", "next unless $type == 1;", ""),
  inLogKeeping(
    "an address that has become another's is not told",
    "!$known{$_} || $known{$_}{name} ne $now->{$_}{name}",
    "!$known{$_}",
  ),
  inLogKeeping(
    "the next file begins without names",
    "begin($kind, $number, all_names($kind, \\%known, $plan)",
    "begin($kind, $number, ''",
  ),
  inLogKeeping(
    "the next file of metrics is made when it is needed",
    "return spare($kind) if $turn{$kind};",
    "return if $turn{$kind};",
  ),
  inLogKeeping("it is written to as soon as it is there", "($ENV{SECONDS} // 5)", "0"),
  inLogKeeping("a balancer that starts lets it be missing", "if $turn{$kind} && ! -e next_file($kind)", "if 0"),
  inStart("takes connections before there is a release", "until named && installed;", "until named;"),
  inStart("one that is not named serves", "until named && installed;", "until installed;"),
  inStart("the release before is not served", "if accepted previous; then", "if false; then"),
  inPlan("the candidate is not asked", `{ op: "candidate", must, cause`, `{ op: "clean up", cause`),
  inPlan("new backends need not answer", "[...added, ...renewed, ...begun, ...", "[..."),
  inPlan(
    "old backends end before the last worker that knows them",
    "...(isBare ? start : reloads),",
    `...(retired.length > 0 ? [{ op: "stop", containers: retired, seconds: 0, cause: "" }] : []), ...reloads,`,
  ),
  inPlan("what an interrupted update has left stays", "...(strays.length > 0", "...(false"),
  inOwnership("another stack's containers end", "owners.includes(owner)", "true"),
  inReloads("new servers alone at once", "if (fresh.length > 0 && leaving.length > 0) {", "if (false) {"),
  inReloads("older workers are not waited for", "leaving.length > 0 || stale || (", "stale || ("),
  inApply("what failed stays", "await putBack(runtime, error, log);", ""),
  inApply("put back after the address has answered", `if (operation.op === "check") begun = false;`, ""),
  inProbe("another server's answer counts", `!own.has(answer.from.replace(/:\\d+$/, ""))`, "false"),
  {
    name: "public address: another release passes",
    file: "rollout/steps/public-address.ts",
    find: "if (answer.release !== release.id)",
    replace: "if (false)",
    tests: ["steps"],
  },
  {
    name: "workers: one that leaves passes for one that stays",
    file: "rollout/steps/workers.ts",
    find: "leaving: match[2] !== undefined",
    replace: "leaving: false",
    tests: ["steps"],
  },
  {
    name: "older balancers: a text that was edited passes",
    file: "rollout/legacy/text.ts",
    find: "intact: hash === id",
    replace: "intact: true",
    tests: ["legacy"],
  },
  {
    name: "deal: an app's backends one after the other",
    file: "model/deal.ts",
    find: "sharing[turn % sharing.length]",
    replace: "sharing[Math.floor((turn * sharing.length) / count)]",
    tests: ["deal"],
  },
  inHealth("any answer is healthy by bash", `'[ "$status" = 200 ]'`, `'[ "$status" != "" ]'`),
  inHealth("any answer is healthy by curl", `)" = 200 ]`, `)" != "" ]`),
  inHealth("any answer is healthy by wget", `[ "$status" = 200 ]; }`, "true; }"),
  inApp("two apps of one name pass", "first < index", "first < 0"),
  inApp("an app's folder is not looked at", "!isApp(app.path)", "app.path === undefined"),
  inApp("unknown keys pass", "z.strictObject(appShape, e)", "z.object(appShape, e)"),
  inApp("a port that there is not passes", "<= 65535", "<= 65536"),
  inRoutes("a redirect takes an app's name", "owner >= 0", "owner > apps.length"),
  inApp("secrets in the clear pass", "&& !areSecret", "&& areSecret"),
  inRoutes("an app's hosts are not its group's", "[...hosts].sort().join()", `""`),
  inRoutes("shared paths pass", "if (claimOf(app) !== claimOf(other))", "if (claimOf(app) === undefined)"),
  inRoutes("an answer without a backend passes", "backendCount < needed", "needed < 0"),
  inRoutes("apps that get nothing answer", ".filter(({ weight }) => weight !== 0)", ""),
  inRoutes("a backend that gets nothing answers", "groups.map(({ asked }) =>", "groups.map(({ apps: asked }) =>"),
  inRoutes("one that gets nothing beside another one is refused", "asked.length > 0", "asked.length > 1"),
  inMounts("a volume over what is in memory passes", `[["/tmp", "/tmp, which is in memory"]]`, ""),
  inMounts("a volume over all of the container passes", `folder === ""`, `folder === "/"`),
  inMounts("a slash at the end makes another folder", `, "/").slice(0, -1)`, ")"),
  inMounts("a volume over a writable folder passes", `...writable.flatMap(look("writable")), `, ""),
  inMounts("a third one is told of the second", "other ?? `that", "`that"),
  inImageNames("a digest of any length passes", "[0-9a-f]{64}", "[0-9a-f]+"),
  inImageNames("a registry at an address is none", String.raw`|\[[0-9a-fA-F:]+\]`, ""),
  inImageNames("a tag too long passes", "{0,127}", "{0,128}"),
  inImageNames("a tag is told to be in lower case", "name.toLowerCase() + rest", "(name + rest).toLowerCase()"),
  inImageNames("a registry's port is taken for a tag", "(?::[^/:@]*)?", "(?::[^:@]*)?"),
  inWants("all of its processors are too many", "cpus > supply.processors", "cpus >= supply.processors"),
  inWants("a folder is looked for among the volumes", `source.startsWith("/")`, `source.startsWith("./")`),
  inWants("networks that no container joins besides others pass", ` || driver === "null"`, ""),
  inWants("another machine's folders are looked for here", "!isHere || ", ""),
  inWants("processors are not asked for", "app.cpus !== undefined", "app.cpus === undefined"),
  inWants("Docker is asked what nobody wants to know", "apps.some(isAsked)", "apps.length > 0"),
  inWants("too little memory for nginx's workers passes", "if (balancerMemoryMb >= least) return;", "return;"),
  inSubnets(
    "addresses of the public net pass",
    " && networksIn(privateNetworks).some((one) => contains(one, pool))",
    "",
  ),
  inSubnets("one that is too small passes", "pool.length <= length && ", ""),
  inSubnets("an app's own is not kept", "block !== undefined && apps.includes(app)", "block === app"),
  inSubnets("one of another pool is kept", "texts.has(one)", "one !== ''"),
  inSubnets("what is within a network of others is free", "contains(one, block) || ", ""),
  inSubnets("what holds a network of others is free", " || contains(block, one)", ""),
  inSubnets("an app without addresses passes", "lacking.length > fresh.length", "lacking.length > blocks.length"),
  inFree("another stack's network is the app's", "found[labels.stack] === stack", "stack !== ''"),
  inFree("the network of the entries needs none", "lacking + others", "lacking + 0 * others"),
  inFree("Docker's own may have too few", "if (needed > free)", "if (needed < 0)"),
  inMetrics("the second port may be clients'", "port: metrics.port + 1", "port: metrics.port"),
  inMetrics("a port at another address is clients'", "metrics.bindAddress, own", "settings.bindAddress, own"),
  inProgram("series of backends are as many as there ever were", " limit 800", ""),
  inProgram("the sixth attempt is counted as the fifth", "[,:] ){5}(?P<took>", "[,:] ){4}(?P<took>"),
  inExporters("a successor finds its address taken", "containers.length > 0", "containers.length > 9"),
  inExporters("what runs is started", ' || container.state === "running"', ""),
  inKept("what counts is ended as a stray", "[...entries, ...exporters]", "[...entries]"),
  inRules("numbers below the range pass", "z.int(e).min(from, e)", "z.int(e)"),
  inProxies("a file's lines are counted without the empty ones", "number: at + 1 }]", "number: 0 }]"),
  inProxies("a file of nobody passes", "lines.length === 0 || ", ""),
  inProxies("another order is another configuration", ".sort(), problems }", ", problems }"),
  inProxies("beside behindProxy they mean nothing", "behindProxy && networks.length > 0", "false"),
  inNetworks("a network too large passes", "if (length > width) return undefined;", ""),
  inNetworks("bits of a host pass", "unmapped(masked(network));\n  return", "unmapped(network);\n  return"),
  inNetworks("a spelling that no peer has passes", "length <= 96 || ", "length <= 128 || "),
  inNetworks("every address passes for a network", "\\/([1-9][0-9]{0,2})", "\\/([0-9]{1,3})"),
  inTrust("what a client has written before its address counts", "real_ip_recursive on", "real_ip_recursive off"),
  inTrust("a client's word counts as a proxy's", "geo $realip_remote_addr", "geo $remote_addr"),
  inHeaders(
    "what a client has claimed before a trusted proxy is handed on",
    `trusted: "$remote_addr",\n    why: "addresses`,
    `trusted: "$http_x_forwarded_for",\n    why: "addresses`,
  ),
  inProxies("PROXY lines of nobody", "networks.length + problems.length === 0", "problems.length > 0"),
  inHeaders("what follows a PROXY line is believed", " && !proxyProtocol", ""),
  inTrust("the candidate takes PROXY lines", ` || place.listen.startsWith("unix:")`, ""),
  {
    name: "public address: a check without a PROXY line",
    file: "lib/proxy-line.ts",
    find: "socket.write(line);",
    replace: "",
    tests: ["proxy-line"],
  },
  inTrust("anybody's scheme is believed", "~^1(?<told_scheme>", "~^.(?<told_scheme>"),
  inSettings("a revision that looks like a number is one", `if (textKeys.has(key)) return text;`, ``),
  inUpstreams("more servers get no more kept connections", "64 * servers.length", "0"),
  inNginx(
    "the drain's seconds are a constant",
    "worker_shutdown_timeout ${proxy.drainSeconds}s",
    "worker_shutdown_timeout 10s",
  ),

  inSites("a path takes what only begins like it", "`${path}/`]", "path]"),
  inSites("sites of other paths share a block", "[listen, more, shape]", "[listen, more]"),
  inSites("names of other certificates share a block", "[listen, more, shape]", "[listen, shape]"),
  inSites("the app of all other names shares a block", "hosts.length === 0,", "false,"),
  inSites(
    "all that share a block lead to one app",
    "routes[at]?.upstream !== route.upstream",
    "routes[at] === undefined",
  ),
  inSites("names that no app has are answered", "return 421;", "return 200;"),
  inSites("a dot in a path is any character", `path.replaceAll(".", "\\\\.")`, "path"),
  {
    name: "pack: more than fits into a variable",
    file: "lib/pack.ts",
    find: "<= mostCharacters",
    replace: "<= Infinity",
    tests: ["lib"],
  },
  inPinned("a registry's port is a tag", ":[^/:]+$", ":[^:]+$"),
  inPinned("whatever a registry says, it has none", "no such manifest|", "|"),
  inAnswers("5xx counts as serving", "(status < 500 && (asked", "(status < 600 && (asked"),
  inCandidate("restarts ignored", "state.restarts > restartsAllowed", "state.restarts > Infinity"),
  inHealthcheck("undecided health without a bound", " && healthInterval <= patienceSeconds", ""),
  inReload("not awaited", "return renewed && ", "return renewed || "),
  inReload("older workers pass for new ones", "!older.has(pid)", "older.size > 0"),
  inReload(
    "the drain is not awaited",
    "if (workers.length === 0) return true;",
    "if (workers.length > 0) return true;",
  ),
  inVolume("goes on without the lock", "if (code !== 0)\n    throw", "if (code === 1)\n    throw"),
  inTopology(
    "old servers are left out together",
    "[...upstream.servers, ...before",
    "[...upstream.servers, ...[].concat",
  ),
  inTopology("an upstream's servers come to another one", "name === upstream)?.servers", "name !== upstream)?.servers"),

  inRetry("a POST is sent again", "(GET|HEAD|", "(GET|POST|HEAD|"),
  inRetry("what was sent to no server fails", `"~^[0, -]*;" again`, `"~^-;" again`),
  inRetry("a request begins anew again and again", `"~^[0, -]*;" again`, `"~^[0, :-]*;" again`),
  inRetry("an answer that has begun is asked for again", "[0, -]*;(GET", "[^;]*;(GET"),
  inRetry("a time-out ends as another error", `"~504[^;]*;[^;]*$"`, `"~^504$"`),
  inRetry("an nginx that knows no address refuses", `"~;[a-z][a-z0-9_-]*$" later`, `"~;none$" later`),
  inRetry("a part of a body is sent again", `args[0] === "off"`, `args[0] === "no"`),
  inRetry("the user's error pages are lost", `name === "error_page"`, `name === "error_pages"`),

  inNginx("a body takes as much of a large limit", "Math.min(128, ", "Math.min(1024, "),
  inNginx("a body takes next to nothing of a small limit", "Math.max(16, ", "Math.max(1, "),

  inLimits("a rate is rounded", "minute !== undefined || count / 60 === value", "true"),
  inLimits("the last rule of a name counts alone", "first < index ? [at(", "first > index ? [at("),
  inLimitsText("a reload changes the key of a zone", "hashValue(keyOf(limit, topology))", `hashValue("")`),
  inLimitsText("all clients of a proxy are one", "proxy.behindProxy ? ", "false ? "),
  inLimitsText(
    "a client that waits as long as it is told is refused",
    "Math.floor((count * 1000)",
    "Math.ceil((count * 1000)",
  ),
  inLimitsText("shares of the spool count as connections", "connections.length > 0", "false"),
  inAccess("addresses are nobody's behind a proxy", "isBehindProxy ? addresses", "false ? addresses"),
  inAccess("an entry above holds, too", "path).at(-1)", "path).at(0)"),
  inUsers("a password in plain text is taken", "cost === undefined && isSha512 === undefined", "hash === undefined"),
  inUsers("a check may take a worker for seconds", "Number(cost) > most.bcrypt", "false"),
  inUsers("a file of users can be guessed by its name", "keyedHash(text, key)", `keyedHash(text, "")`),
  inAccessText("who is in no list is let in", 'allow.length > 0 ? ["deny all"]', "allow.length > 0 ? []"),
  inAccessText("what a client says of itself is handed on", 'set ${variable} ""', "set ${variable}_ 0"),
  inAccessText(
    "a question sets back what a route has set",
    `if (asksIn(topology).length === 0 && !hasOwn && pause === "") return text`,
    "if (topology) return text",
  ),
  inAccessText("a client's condition keeps an app from an answer", "If-None-Match If-Range", "If-Range"),
  inUsersAttached("users are others than in the preview", "if (text === undefined)", "if (text === null)"),
  inPause("who waits for too long is cut off", "holdSeconds < drainSeconds", "holdSeconds <= drainSeconds"),
  inPause("all sites are paused", "pause.sites.includes(host)", "true"),
  inPause("a wider pause is none that begins", "pause.sites.some(isNew)", "false"),
  inPauseText("who waits is cut off by seconds", "(holdSeconds * 1000) / 30", "(holdSeconds * 1000) / 20"),
  inPauseText("an older worker goes on being asked", "Connection close", 'Connection ""'),
  inPauseText("the update's own check waits", "$http_x_balancer_check = ${id}", "$http_x_nobody = ${id}"),
  inPauseText("no connection is left for others", "limit_conn waits ${most}", "limit_conn waits 4096"),
  inPauseText("who waits has a share of the spool", "isUnspooled: true", "isUnspooled: false"),
  inPauseText("who waits gives up before", ".repeat(turns + 2)", ".repeat(3)"),
  inPauseText("access is decided once more", "satisfy all;", ""),
  inPauseText("a site's other names wait on", "    hostnames;", ""),
  inPauseText("a page for 503 is not shown", 'args.includes("503")', 'args.includes("500")'),
  faultsIn("pause", "nginx/render/policy/access.ts", "nginx-config")(
    "who waits forgets its route",
    'topology.pause === undefined ? "" : "|pause"',
    '""',
  ),
  inReloads("a pause does not wait for what came before it", "begins(release.topology.pause, live?.pause)", "false"),
  inSpool("each answer may take it all", "(spoolMb * 1024) / shares", "spoolMb * 1024"),
  inSpool("streams have a share", "upgrade|text/event-stream", "upgrade|text/event-streams"),
  inSpool("events wait for more of them", `"" @live`, `"" @unspooled`),
  inSpool("events wait where nothing is spooled", "${piecewise} @live", "${piecewise} @unspooled"),
  inSpool(
    "the 65th has a share, too",
    "default @unspooled${handing};\n    PASSED",
    "default @spooled${handing};\n    PASSED",
  ),

  inDirectives("comments are read", "\\s+|#.*", "\\s+"),
  inDirectives("a brace in a word ends it", "[^\\s;{\\\\])+", "[^\\s;{}\\\\])+"),
  inDirectives(
    "a brace too many ends the text",
    "if (!opened) throw",
    "if (!opened) return found; else if (!first) throw",
  ),
  inDirectives("an open block is closed", "if (opened) throw", "if (!first && !tokens) throw"),
  inDirectives("lines of strings are not counted", `raw.split("\\n").length - 1`, `(raw === "\\n" ? 1 : 0)`),
  inServerConfig("blocks of the user's have no rules", "everyDirective(outermost)", "outermost"),
  inServerConfig("a root location by another spelling is taken", `.replace(/^\\^~/, "")`, ""),
  inServerConfig("captures of ours are taken", `capturesVariable.test(arg)`, `setsVariable.test(arg)`),
  inHeaders("names are told apart by case", ".toLowerCase()));", "));"),
  inHeaders(
    "those of the user's are doubled",
    "const isOurs = value !== undefined && ",
    "const isOurs = value !== undefined || ",
  ),
  inHeaders(
    "a location with one loses ours",
    `${"`${result.slice(0, at)}${headers} "}`,
    `${"`${result.slice(0, at)}"}`,
  ),
  inHeaders("any protocol is handed on", "websocket $leaving;", "default $http_upgrade;"),

  {
    name: "until: doesn't look when there is no time",
    file: "lib/until.ts",
    find: "if (deadline.isOver)",
    replace: "if (deadline.isOver || true)",
    tests: ["lib"],
  },
  {
    name: "process: children go on after a time-out",
    file: "lib/process.ts",
    find: "tryKill(-child.pid, signal)",
    replace: "tryKill(child.pid, signal)",
    tests: ["lib"],
  },
  {
    name: "errors: a bug shows no place",
    file: "lib/errors.ts",
    find: "error instanceof Error && error.stack ? error.stack : messageOf(error)",
    replace: "messageOf(error)",
    tests: ["lib"],
  },

  {
    name: "options: --stack is passed over",
    file: "scripts/cli.ts",
    find: "stack = name[1] ?? args[++index] ?? ",
    replace: "stack = name[1] ?? ",
    tests: ["cli"],
  },
  {
    name: "status: a backend of a failed update is no drift",
    file: "scripts/status.ts",
    find: `role === "backend" && !known.has(alias)`,
    replace: "false",
    tests: ["status"],
  },
  {
    name: "load: a wrong answer isn't lost",
    file: "scripts/load/books.ts",
    find: "return tally.wrong + tally.reset",
    replace: "return tally.reset",
    tests: ["load"],
  },
  inHttp2("a request moves on again and again", "send(moves + 1)", "send(moves)"),
  inConnection("what the server may have processed is sent again", "(id ?? 0) >", "(id ?? 0) >="),
  inConnection("a cut stream is an answer", "rstCode === constants.NGHTTP2_NO_ERROR &&", "true &&"),
  inConnection("an answer may be shorter than announced", `head["content-length"] ?? body.length`, "body.length"),
  inLoadTls("a certificate for another name will do", "checkServerIdentity(name, certificate)", "undefined"),
  inEntrance("no PROXY line where the stack wants one", "topology.proxy?.proxyProtocol === true", "false"),
  inEntrance(
    "a name that only a certificate has is not asked for",
    "door.host ?? (rest && nameFor(rest))",
    "door.host",
  ),
  inEntrance("with TLS, whatever name is asked for", "if (certified === undefined) return plain;", ""),
  inEntrance(
    "with TLS before there is a certificate",
    "chain === undefined && certified",
    "chain === null && certified",
  ),
  inEntrance(
    "without TLS where nobody answers there",
    "chain === undefined && certified.certificates.length === 0",
    "chain === undefined",
  ),
  inEntrance("another address than the loopback is refused", "allowHost: new URL(url).hostname,", ""),
  inEntrance("a known certificate is trusted for being served", "chain?.problem === undefined", "chain === undefined"),
  inEntrance("an unknown certificate is not trusted for being served", "{ ...address, ca: chain.pem }", "address"),
  {
    name: "set-up: a step is taken at its word",
    file: "scripts/setup/step.ts",
    find: "if (!(await step.isDone()))",
    replace: "if (false)",
    tests: ["setup"],
  },
  {
    name: "set-up: the user's own image is replaced",
    file: "scripts/setup/images.ts",
    find: "configured !== official && configured",
    replace: "configured === official && configured",
    tests: ["setup"],
  },
  {
    name: "set-up: a passphrase of the user's is overruled",
    file: "scripts/setup/environment.ts",
    find: "...(passphraseIsSet ? {} : ",
    replace: "...(false ? {} : ",
    tests: ["setup-environment"],
  },
  {
    name: "set-up: a remote Docker is started here",
    file: "scripts/setup/steps/docker.ts",
    find: "if (host) return giveUp(",
    replace: "if (host === '') return giveUp(",
    tests: ["setup"],
  },
  inTakeover("rollout/legacy/text.ts", "legacy")(
    "a server of the user's directives is a backend",
    `split("\\n  server {", 1)`,
    `split("\\n}", 1)`,
  ),
  inTakeover("rollout/legacy/text.ts", "legacy")("an edited text is intact", "intact: hash === id", "intact: true"),
  inTakeover("rollout/preflight.ts", "preflight")(
    "one that did not end is another state's",
    "some(({ id }) => own.containers.has(id))",
    `some(({ owner, id }) => owner === "" && own.containers.has(id))`,
  ),
  inTakeover("rollout/containers.ts", "preflight")(
    "a balancer that only waits is the one that serves",
    `health === "healthy"`,
    `health !== ""`,
  ),
  inTakeover("config.ts", "config")("ids are looked for where they are not", "outputs?.id)", "outputs?.urn)"),
];
