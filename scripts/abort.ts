import { orderCanary } from "./canary-order";
import { runMain } from "./cli";

runMain(async (args) =>
  orderCanary(
    "abort",
    "Ends a canary that is under way: the old backends get all requests again, and the update fails.",
    args,
  ),
);
