import { describeBodies } from "./software/bodies";
import { describeDjango } from "./software/django";
import { describeLive } from "./software/live";
import { describeRegistry } from "./software/registry";
import { SoftwareSite } from "./software/site";

describe("software that is not ours, with TLS", function () {
  this.timeout(600_000);
  let site: SoftwareSite;
  before(async () => {
    site = await SoftwareSite.create();
  });
  after(() => site?.remove());

  describe("Django", () => describeDjango(() => site));
  describe("large bodies", () => describeBodies(() => site));
  describe("Node.js with ws", () => describeLive(() => site));
  describe("a registry of images", () => describeRegistry(() => site));
});
