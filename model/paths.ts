import { suggested, texts } from "./rules";

/** A path prefix that means one thing to every reader: no escapes, no empty, `.` or `..` segment, no slash at the end. */
const pathPattern = /^\/(?:(?!\.{1,2}(?:\/|$))[A-Za-z0-9._~-]+(?:\/(?!\.{1,2}(?:\/|$))[A-Za-z0-9._~-]+)*)?$/;

function pathMeant(text: string): string {
  return `/${text.trim().split(/[?#]/)[0] ?? ""}`.replace(/\/+/g, "/").replace(/(?<=.)\/$/, "");
}

const onePath = "a path that starts with / and has only letters, digits and ._~-, for example /api";

/** Rule of a setting that is one path. */
export const pathRule = suggested(onePath, pathPattern, pathMeant).meta({ allowed: onePath });

/** Rule of a setting that is several. */
export const pathList = texts(
  "a list of 1 to 100 different paths that start with / and have only letters, digits and ._~-",
  [onePath, pathPattern, pathMeant],
  1,
);
