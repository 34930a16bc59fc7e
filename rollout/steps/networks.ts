import { docker, tryDocker } from "../docker";

/** Names of the networks that a container is on. */
export async function networksOf(container: string): Promise<string[]> {
  const format = "{{range $name, $_ := .NetworkSettings.Networks}}{{println $name}}{{end}}";
  return (await docker("container", "inspect", "--format", format, container)).split("\n").filter(Boolean);
}

/** Puts a container on networks that it isn't on, whether it runs or not; under an alias, too, unless that is empty. */
export async function join(container: string, networks: readonly string[], alias = ""): Promise<void> {
  const names = alias === "" ? [] : ["--alias", alias];
  for (const network of networks) await docker("network", "connect", ...names, network, container);
}

/** Takes a container off networks. One that is not on a network, say since an interrupted update, is none the worse for it. */
export async function leave(container: string, networks: readonly string[]): Promise<void> {
  for (const network of networks) await tryDocker("network", "disconnect", network, container);
}
