import { describeBodies } from "../e2e/software/bodies";
import { describeDjango } from "../e2e/software/django";
import { describeLive } from "../e2e/software/live";
import { describeRegistry } from "../e2e/software/registry";
import { SoftwareSite } from "../e2e/software/site";

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
