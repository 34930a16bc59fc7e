import { locationFile } from "../../../model/layout";
import type { RoutePolicy } from "../../../model/policies";
import type { ReleaseFile } from "../../../model/release";
import { routesOf } from "../../../model/topology";
import type { Policed, RouteLines } from "./index";

/** The users' directives for locations, each text once. */
function configsIn(topology: Policed): string[] {
  return [...new Set(routesOf(topology).flatMap(({ policy }) => policy?.location?.locationConfig ?? []))];
}

export function locationFiles(topology: Policed): ReleaseFile[] {
  return configsIn(topology).map((text, at) => ({ name: locationFile(at), text: `${text.trimEnd()}\n` }));
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
