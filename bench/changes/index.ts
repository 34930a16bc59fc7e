import type { Part } from "../part";
import { growthPart } from "./growth";
import { lifecyclePart } from "./lifecycle";

/** What measures changes of a stack. */
export const changeParts: readonly Part[] = [lifecyclePart, growthPart];
