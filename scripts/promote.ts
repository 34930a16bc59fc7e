import { orderCanary } from "./canary-order";
import { runMain } from "./cli";

runMain(async (args) =>
  orderCanary("promote", "Has a canary that is under way get all requests at once, without its other steps.", args),
);
