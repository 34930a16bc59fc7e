import assert from "node:assert/strict";
import * as pulumi from "@pulumi/pulumi";

/** A resource that a program asked for, as the engine would see it. */
export interface Registered {
  readonly type: string;
  readonly name: string;
  readonly inputs: Readonly<Record<string, unknown>>;
}

/** What is known only once a resource has been made; strict: a type that is not listed here is an error. */
const computed: Readonly<Record<string, (name: string) => Record<string, unknown>>> = {
  "docker:index/network:Network": (name) => ({ name: `${name}-made` }),
  "docker:index/volume:Volume": (name) => ({ name: `${name}-made` }),
  "docker:index/remoteImage:RemoteImage": (name) => ({ imageId: `sha256:${name}` }),
  "docker:index/container:Container": (name) => ({ name: `${name}-made` }),
  "command:local:Command": () => ({ stdout: '{"added":[]}', stderr: "" }),
};

/** Everything that was registered since the mocks were set. */
export class Recording {
  readonly resources: Registered[] = [];
  /** Resource options by resource name, as given to the constructor. */
  readonly options = new Map<string, pulumi.ResourceOptions>();

  ofType(type: string): Registered[] {
    return this.resources.filter((resource) => resource.type === type);
  }

  /** The one resource of a type and name. */
  one(type: string, name: string): Registered {
    const found = this.ofType(type).filter((resource) => resource.name === name);
    assert.equal(found.length, 1, `${found.length} resources ${type} ${name}, there are ${this.names().join(", ")}`);
    return found[0] as Registered;
  }

  names(): string[] {
    return this.resources.map(({ type, name }) => `${type} ${name}`).sort();
  }
}

/**
 * Takes the engine's place until the next call.
 *
 * @param preview whether computed values are unknown, as in `pulumi preview`
 */
export async function mockEngine(preview = false): Promise<Recording> {
  const recording = new Recording();
  await pulumi.runtime.setMocks(
    {
      newResource({ type, name, inputs, custom }) {
        recording.resources.push({ type, name, inputs: inputs as Record<string, unknown> });
        if (custom === false || type.startsWith("nginx-load-balancer:"))
          return { id: undefined, state: inputs as object };
        const make = computed[type];
        assert.ok(make, `test/mocks.ts knows no resource of type ${type}`);
        return preview
          ? { id: undefined, state: inputs as object }
          : { id: `${name}-id`, state: { ...inputs, ...make(name) } };
      },
      call({ token }) {
        throw new Error(`unexpected call of ${token}`);
      },
    },
    "nginx-load-balancer",
    "unit",
    preview,
  );
  return recording;
}

/** Notes the options of every resource below a component: the engine's mocks don't show them. */
export function recordOptions(recording: Recording): pulumi.ResourceTransformation {
  return ({ name, opts }) => {
    recording.options.set(name, opts);
    return undefined;
  };
}

/** The value of an output; undefined when it is unknown. */
export async function valueOf<T>(output: pulumi.Input<T>): Promise<T | undefined> {
  const result = pulumi.output(output) as pulumi.Output<T> & { isKnown: Promise<boolean>; promise(): Promise<T> };
  return (await result.isKnown) ? result.promise() : undefined;
}
