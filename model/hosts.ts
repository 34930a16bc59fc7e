import { domainToASCII } from "node:url";
import { suggested, texts } from "./rules";

const label = "[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?";
const hostOf = (first: string) => new RegExp(`^(?=.{1,253}$)${first}${label}(?:\\.${label})*$`);

/** A host name as browsers send it: ASCII, lower case. */
export const namePattern = hostOf("");

/** The same, or with `*` for its first label. */
export const hostPattern = hostOf("(?:\\*\\.)?");

/** The host name that is meant by a text which is none; undefined where that is anybody's guess. */
export function hostMeant(text: string): string | undefined {
  const name = text
    .trim()
    .replace(/^[a-z]+:\/\//i, "")
    .replace(/[/:].*$/, "")
    .replace(/\.$/, "");
  const [, wildcard = "", rest = ""] = /^(\*\.)?(.*)$/.exec(name) ?? [];
  const ascii = domainToASCII(rest);
  return ascii === "" ? undefined : wildcard + ascii;
}

/** Rule of a setting that is one name. */
export const hostRule = suggested("a host name in lower case, for example shop.example", namePattern, hostMeant);

/** Rule of a setting that is several. */
export const hostList = texts(
  "a list of up to 100 different host names in lower case, for example shop.example or *.shop.example",
  ["a host name in lower case, for example shop.example or *.shop.example", hostPattern, hostMeant],
);

/** A name that a host of an app stands for: itself, or one below it. */
export function nameFor(host: string): string {
  return host.replace("*", "any");
}
