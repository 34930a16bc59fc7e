import type { Part } from "../part";
export const changeParts: readonly Part[] = [];
