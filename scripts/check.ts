import { runChecks } from "./checks";
import { runMain } from "./cli";

runMain(async () => runChecks());
