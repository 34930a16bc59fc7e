import { DirectivesError, everyDirective, parseDirectives, type Directive } from "./directives";
import { volumeFolder } from "./layout";

/** Something that can't stand in the public server block, and what to do instead. */
export interface Refusal {
  /** For people. */
  readonly what: string;
  readonly instead: string;
  /** @param isOutermost whether the directive stands in no block of the user's */
  matches(directive: Directive, isOutermost: boolean): boolean;
}

/** Variables of the balancer's own text, `*` for any end of the name: with another value in them, requests would go astray. */
export const ownVariables =
  "added_address after_failure answer_header_* asked_cookie balancer_check cache_version client_address client_scheme connection_upgrade from_proxy handing in_maintenance is_counted is_error is_judged is_paused leaving log_id log_route log_site probe_route request_header_* retry_after spool_share strip stripped target told_* upstream users_folder way_of_answer way_unspooled websocket".split(" "); // prettier-ignore

// What nginx takes at the level of http, or above it, alone.
const outsideServer =
  "daemon events geo http limit_conn_zone limit_req_zone load_module log_format mail map pid proxy_cache_path server split_clients stream upstream user worker_processes worker_rlimit_nofile".split(" "); // prettier-ignore
const inLocation = "alias fastcgi_pass grpc_pass internal proxy_pass uwsgi_pass".split(" ");
/** Locations of the public server's own, `*` for any end: those that nginx/render makes. */
export const ownLocations = [
  "/",
  "= /.balancer/*",
  "@again",
  "@failed",
  "@failed_in_time",
  "@later",
  "@limited",
  "@live",
  "@pause",
  "@pause_ended",
  "@pause_over",
  "@paused",
  "@spooled",
  "@undecided",
  "@unspooled",
];
/** Names of the public server's own locations, those of a policy included. */
const ownLocation = new RegExp(
  `^(?:${ownLocations.map((own) => own.replace(" ", "").replace(".", "\\.").replace("*", ".*")).join("|")})$`,
);
const variable = ownVariables.join("|").replaceAll("*", "\\w*");
const setsVariable = new RegExp(`^\\$(?:${variable})$`);
const capturesVariable = new RegExp(`\\(\\?P?[<'](?:${variable})[>']`);

export const refusals: readonly Refusal[] = [
  {
    what: "`listen`",
    instead: "`port` and `bindAddress` of the stack's config say where the balancer listens",
    matches: ({ name }) => name === "listen",
  },
  {
    what: ownLocations.map((name) => `\`location ${name}\``).join(", "),
    instead: "this one is the balancer's own; directives that stand in no location act on it, too",
    matches: ({ name, args }, isOutermost) =>
      isOutermost && name === "location" && ownLocation.test(args.join("").replace(/^\^~/, "")),
  },
  {
    what: outsideServer.map((name) => `\`${name}\``).join(", "),
    instead: "it stands outside of a server block, and these directives are put into one",
    matches: ({ name }, isOutermost) => isOutermost && outsideServer.includes(name),
  },
  {
    what: `${inLocation.map((name) => `\`${name}\``).join(", ")} in no block`,
    instead: "it belongs into a location",
    matches: ({ name }, isOutermost) => isOutermost && inLocation.includes(name),
  },
  {
    what: `a value for ${ownVariables.map((name) => `\`$${name}\``).join(", ")}`,
    instead: "this variable is the balancer's own; take another name",
    matches: ({ name, args }) =>
      (/^(?:set|auth_request_set)$/.test(name) && setsVariable.test(args[0] ?? "")) ||
      (/^(?:geo|map|split_clients)$/.test(name) && setsVariable.test(args.at(-1) ?? "")) ||
      args.some((arg) => capturesVariable.test(arg)),
  },
  {
    what: "`include` of `proxy_params`, of a relative path, or of the balancer's own files",
    instead:
      "expected an absolute path of another file of the balancer's image; what proxy_params sets is set (docs/headers.md)",
    matches: ({ name, args: [path = ""] }) =>
      name === "include" && (!path.startsWith("/") || path.startsWith(volumeFolder) || path.endsWith("/proxy_params")),
  },
];

// What nginx takes outside of all blocks alone.
const outsideHttp = "daemon events http load_module mail pid stream user worker_processes worker_rlimit_nofile".split(
  " ",
);

/** What can't stand in the http block either. */
export const httpRefusals: readonly Refusal[] = [
  {
    what: outsideHttp.map((name) => `\`${name}\``).join(", "),
    instead: "it stands outside of the http block, and these directives are put into that one",
    matches: ({ name }) => outsideHttp.includes(name),
  },
  {
    what: "`server`",
    instead: "what answers clients is said by apps; add to that by `serverConfig`",
    matches: ({ name }) => name === "server",
  },
  ...refusals,
];

/**
 * What is wrong with directives for the public server block, as far as that is known without nginx, which judges them before they go live.
 *
 * @returns messages that begin with the line, and repeat nothing of the text but the names of known directives
 */
export function problemsOfDirectives(text: string): string[] {
  return problemsIn(text, (directive, isOutermost) => refusals.find((one) => one.matches(directive, isOutermost)));
}

/** The same for the http block, in which there may be what a server block can't have. */
export function problemsOfHttpConfig(text: string): string[] {
  return problemsIn(text, (directive) => httpRefusals.find((one) => one.matches(directive, false)));
}

function problemsIn(text: string, refusalOf: (directive: Directive, isOutermost: boolean) => Refusal | undefined) {
  try {
    const outermost = parseDirectives(text);
    return everyDirective(outermost).flatMap((directive) => {
      const refusal = refusalOf(directive, outermost.includes(directive));
      return refusal ? [`line ${directive.line}: ${directive.name} is refused: ${refusal.instead}`] : [];
    });
  } catch (error) {
    if (error instanceof DirectivesError) return [error.message];
    throw error;
  }
}

/**
 * A message about directives that are secret, without their words: what is wrong, and in which line, is left.
 *
 * @param directives with all that nginx may repeat of them: whole words, and parts, such as the name of a variable
 */
export function withoutWordsOf(directives: string, message: string): string {
  const words = [...directives.split(/[\s;{}"']+/), ...directives.split(/\W+/)].filter((word) => word.length > 2);
  return [...new Set(words)]
    .sort((a, b) => b.length - a.length)
    .reduce((text, word) => text.replaceAll(word, "***"), message);
}
