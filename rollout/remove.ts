// The state of stacks made before rollout/cli.ts names this file as a step of their destroy.
import "./legacy/remove";
