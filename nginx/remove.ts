// The state of stacks made before rollout/ was a folder of its own names this file as the first step of their destroy.
import "../rollout/remove";
