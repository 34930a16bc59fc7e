import { Agent, type IncomingMessage } from "node:http";
import { performance } from "node:perf_hooks";
import { setTimeout as pause } from "node:timers/promises";
import { ask, dropEndedSockets, nextPoll, type Answer } from "./ask";
import { Books, type Account, type End } from "./books";

export type { Answer } from "./ask";
