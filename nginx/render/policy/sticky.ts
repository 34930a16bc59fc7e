import type { Sticky } from "../../../model/policies/sticky";

/**
 * In an upstream: who comes back to the server that they had, by a cookie of nginx's. A probe has the cookie of the server it is for.
 *
 * @see https://nginx.org/en/docs/http/ngx_http_upstream_module.html#sticky
 */
export function renderSticky({ cookie, hours, secure, httpOnly, sameSite }: Sticky): string {
  const words = [
    `sticky cookie ${cookie}`,
    ...(hours > 0 ? [`expires=${hours}h`] : []),
    "path=/",
    ...(httpOnly ? ["httponly"] : []),
    ...(secure ? ["secure"] : []),
    `samesite=${sameSite}`,
  ];
  return `${words.join(" ")};`;
}
