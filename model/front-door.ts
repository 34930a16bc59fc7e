import { nameFor } from "./hosts";
import { routeFor } from "./sites";
import { routesOf, type Answered } from "./topology";

/** What may be asked for, and who answers it. */
export interface FrontDoor {
  /** Default: the address itself. */
  readonly host?: string;
  readonly path: string;
  readonly upstream: string;
}

/**
 * What to ask for where nothing else is said.
 *
 * @param host default: any name, else the first one that an app has
 * @param path default: the first one of that name
 */
export function frontDoorOf(topology: Answered, host?: string, path?: string): FrontDoor {
  const routes = routesOf(topology);
  const named = (is: (name: string) => boolean) => routes.filter(({ hosts }) => hosts.some(is));
  const choices =
    host === undefined
      ? [routes.filter(({ hosts }) => hosts === routes[0]?.hosts)]
      : [
          named((name) => name === host),
          named((name) => name.startsWith("*.") && host.endsWith(name.slice(1))),
          routes.filter(({ hosts }) => hosts.length === 0),
        ];
  const own = choices.find((list) => list.length > 0) ?? [];
  const route = path === undefined ? own[0] : routeFor(own, path);
  const [first] = route?.hosts ?? [];
  const name = host ?? (first === undefined ? undefined : nameFor(first));
  return {
    path: path ?? route?.path ?? "/",
    upstream: route?.upstream ?? topology.upstreams[0]?.name ?? "",
    ...(name !== undefined && { host: name }),
  };
}
