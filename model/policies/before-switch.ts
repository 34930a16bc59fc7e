import { z } from "zod";
import type { DeepReadonly } from "../../lib/deep-readonly";
import { commandRule, type Problem } from "../app";
import { rule } from "../rules";

export const beforeSwitchSchema = z.strictObject({
  app: rule("the name of an app", (e) => z.string(e)).meta({
    description: "the app whose image, environment, volumes and networks the command gets",
    change: "nothing that runs",
  }),
  command: commandRule.meta({
    description: "what is run, once for each release of the app",
    change: "is run, once, before anything else changes",
  }),
});

export const beforeSwitchRule = rule("a list of up to 100 objects {app, command}", (e) =>
  z.array(beforeSwitchSchema, e).max(100, e),
);

export type BeforeSwitch = DeepReadonly<z.output<typeof beforeSwitchSchema>>;

/** Entries whose app nobody has, or that has one already: what order two commands of one app had, nobody could tell. */
export function problemsOfBeforeSwitch(
  entries: readonly BeforeSwitch[],
  apps: readonly { readonly name: string }[],
): Problem[] {
  return entries.flatMap(({ app }, index) => {
    const path = ["beforeSwitch", index, "app"];
    if (!apps.some(({ name }) => name === app))
      return [{ path, expected: `the name of an app: ${apps.map(({ name }) => name).join(", ")}` }];
    const first = entries.findIndex((other) => other.app === app);
    return first < index ? [{ path, expected: `another app than that of beforeSwitch[${first}]` }] : [];
  });
}
