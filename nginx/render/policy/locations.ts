import { locationFile } from "../../../model/layout";
import type { RoutePolicy } from "../../../model/policies";
import type { ReleaseFile } from "../../../model/release";
import { routesOf } from "../../../model/topology";
import type { Policed, RouteLines } from "./index";

/** The users' directives for locations, each text once. */
function configsIn(topology: Policed): string[] {
  return [...new Set(routesOf(topology).flatMap(({ policy }) => policy?.location?.locationConfig ?? []))];
}

/** A file for each text, with the setting that it comes from. */
export function locationFiles(topology: Policed): (ReleaseFile & { readonly setting: string })[] {
  return configsIn(topology).map((config, at) => {
    const route = routesOf(topology).find(({ policy }) => policy?.location?.locationConfig === config);
    const setting = `locationConfig of ${route?.hosts[0] ?? ""}${route?.path ?? ""}`;
    return { name: locationFile(at), setting, text: config.trimEnd() };
  });
}

export function locationLines({ location }: RoutePolicy, topology: Policed): RouteLines {
  if (location === undefined) return {};
  const { requestTimeoutSeconds: seconds, maxBodyMb, idleSeconds = seconds, locationConfig } = location;
  const isDirect = locationConfig !== undefined;
  const body = maxBodyMb === undefined ? "" : `client_max_body_size ${maxBodyMb}m;\n`;
  const tries = seconds === undefined ? "" : `proxy_next_upstream_timeout ${seconds + 1}s;\n`;
  const own =
    locationConfig === undefined ? "" : `include ${locationFile(configsIn(topology).indexOf(locationConfig))};\n`;
  return {
    both: body,
    handOn: silence(seconds) + tries + own,
    live: silence(idleSeconds) + tries + own,
    isDirect,
  };
}

function silence(seconds: number | undefined): string {
  return seconds === undefined ? "" : `proxy_read_timeout ${seconds}s;\nproxy_send_timeout ${seconds}s;\n`;
}
