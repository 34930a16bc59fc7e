import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { until } from "../../../lib/until";
import { endSquatter, ending, restartElsewhere } from "./backend";
import type { Fault } from "./fault";
import { unlessOwnEngine } from "./host";
import { pidOf, type Ward } from "./ward";

const hour = 3600;

/** On volumes: containers may write nothing else that is there when they have been restarted. */
const files = { balancer: "/run/entry/faketimerc", backend: "/var/kept/faketimerc" } as const;

/** The wall clock alone, and the files' times as they are. nginx takes variables out of its environment, but not the link. */
const instructions = (file: string) => [
  // An archive that is a copy of one may be older than it says it may be.
  "RUN apt-get -o Acquire::Check-Valid-Until=false update && apt-get install --yes --no-install-recommends libfaketime",
  `RUN mv $(find /usr/lib -name libfaketime.so.1) /usr/lib/ && ln -s ${file} /etc/faketimerc`,
  ...[
    "LD_PRELOAD=/usr/lib/libfaketime.so.1",
    "FAKETIME_CACHE_DURATION=1",
    "FAKETIME_DISABLE_SHM=1",
    "FAKETIME_DONT_FAKE_MONOTONIC=1",
    "DONT_FAKE_MONOTONIC=1",
    "NO_FAKE_STAT=1",
  ].map((variable) => `ENV ${variable}`),
];

/** Has the balancer and the backends run in images with libfaketime: no namespace has a wall clock of its own. */
async function withClocks(ward: Ward): Promise<void> {
  await ward.stack.configure({
    nginxImage: await ward.otherImage("nginxImage", instructions(files.balancer)),
    pythonImage: await ward.otherImage("pythonImage", instructions(files.backend)),
  });
  await ward.upOk();
}

async function withoutClocks(ward: Ward): Promise<void> {
  const { nginxImage, pythonImage } = await ward.stack.baseImages();
  await ward.stack.configure({ nginxImage, pythonImage });
  await ward.upOk();
}

/** Puts the clocks of the balancer and of the backends so many seconds forwards, or back; waits until nginx goes by it. */
async function setClocks(ward: Ward, seconds: number): Promise<void> {
  const ids = await ward.roles();
  for (const role of ["balancer", "backend"] as const)
    for (const id of ids[role])
      await writeFile(
        join("/proc", String(await pidOf(id)), "root", files[role]),
        `${seconds < 0 ? "" : "+"}${seconds}\n`,
      );
  await until(`nginx is ${seconds} s ahead`, 20, async () => {
    const answer = await fetch(ward.url, { headers: { Connection: "close" } }).catch(() => undefined);
    const ahead = (Date.parse(answer?.headers.get("date") ?? "") - Date.now()) / 1000;
    return Math.abs(ahead - seconds) < 5;
  });
}

const clocks = {
  group: "host",
  cannot: unlessOwnEngine,
  prepare: withClocks,
  restore: withoutClocks,
} as const;

/** The wall clock of what runs is put forwards, and back. */
export const clockFaults: readonly Fault[] = [
  {
    ...clocks,
    name: "the clock an hour forwards, and back again",
    async inject(ward) {
      await setClocks(ward, hour);
      await ward.load.answered(20);
      await setClocks(ward, 0);
      await ward.load.answered(20);
    },
  },
  {
    ...clocks,
    name: "the clock an hour back, and a backend at another address",
    async inject(ward) {
      await setClocks(ward, -hour);
      await restartElsewhere(ward);
    },
    mend: endSquatter,
    allowed: ending,
  },
];
