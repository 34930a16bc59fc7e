// The state of stacks made before rollout/ was a folder of its own names this file as the last step of their destroy.
import "../rollout/remove-rest";
