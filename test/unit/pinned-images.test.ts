import assert from "node:assert/strict";
import { movedOf, pinImages, platformsOf, refusalOf, repositoryOf } from "../../rollout/pinned-images";
import { FakePrograms } from "../fake-programs";

describe("what a name of an image stands for", () => {
  it("is asked of the repository, without the tag", () => {
    for (const [image, repository] of [
      ["shop", "shop"],
      ["shop:1", "shop"],
      ["team/shop:1.2-rc", "team/shop"],
      ["registry.example:5000/shop", "registry.example:5000/shop"],
      ["registry.example:5000/team/shop:1", "registry.example:5000/team/shop"],
    ] as const)
      assert.equal(repositoryOf(image), repository);
  });

  it("is told where it is another one than last time", () => {
    const sources = [
      { image: "a:1", last: "a@sha256:1" },
      { image: "b:1", last: "b@sha256:1" },
      { image: "c:1", last: undefined },
    ];
    const images = new Map(["a:1", "b:1", "c:1"].map((name, at) => [name, `${name[0]}@sha256:${at + 1}`]));
    assert.deepEqual(movedOf(sources, images), ["b:1 has moved: it is b@sha256:2, and was b@sha256:1."]);
  });

  it("is the digest of Docker's own platform, of an image that has several", () => {
    const of = (os: string, architecture: string, digest: string) => ({ digest, platform: { os, architecture } });
    const list = {
      manifests: [of("linux", "amd64", "sha256:a"), of("linux", "arm64", "sha256:b"), { digest: "sha256:c" }],
    };
    assert.equal(platformsOf(JSON.stringify(list))?.get("linux/arm64"), "sha256:b");
    assert.equal(platformsOf(JSON.stringify({ schemaVersion: 2, config: {} })), undefined);
  });

  for (const [stderr, isRefused] of [
    ["no such manifest: registry.example/shop:2", true],
    ["errors:\ndenied: requested access to the resource is denied\nunauthorized: authentication required", true],
    [`Get "https://registry.example/v2/shop/manifests/1": no basic auth credentials`, true],
    [
      `failed to configure transport: error pinging v2 registry: Get "https://registry.example/v2/": dial tcp: lookup registry.example: no such host`,
      false,
    ],
    [`Get "https://registry.example/v2/": dial tcp 192.0.2.1:443: connect: connection refused`, false],
    ["toomanyrequests: You have reached your pull rate limit.", false],
  ] as const)
    it(`is ${isRefused ? "refused" : "not told"} by: ${stderr.split("\n").at(-1)}`, () =>
      assert.deepEqual(refusalOf(`${stderr}\n`), { isRefused, words: stderr.split("\n").at(-1) }));
});

describe("images that nobody has", () => {
  const digest = `sha256:${"0".repeat(64)}`;
  let programs: FakePrograms;
  before(async () => {
    // A docker that has one image, built here or not, and whose registries have none, but for one that does not answer.
    programs = await FakePrograms.create();
    await programs.write(
      "docker",
      `#!/bin/sh
case "$*" in
  *"image inspect"*here*) echo "sha256:1 1" ;;
  *"manifest inspect"*away.example*) echo "dial tcp 192.0.2.1:443: connection refused" >&2; exit 1 ;;
  *"manifest inspect"*) for image; do :; done; echo "no such manifest: $image" >&2; exit 1 ;;
  *) exit 1 ;;
esac
`,
    );
  });
  after(() => programs.remove());

  const told = (image: string, keep = false) =>
    pinImages([{ image, last: undefined }], keep).then(
      (images) => images.get(image),
      ({ message }: Error) => message.replace("Images that can't be told:\n  ", ""),
    );

  for (const [image, keep, expected] of [
    ["shop.example/a:1", false, "shop.example/a:1: no such manifest: shop.example/a:1"],
    [`shop.example/a@${digest}`, false, `shop.example/a@${digest}: no such manifest: shop.example/a@${digest}`],
    [`shop.example/here@${digest}`, false, `shop.example/here@${digest}`],
    [
      "away.example/a:1",
      false,
      "away.example/a:1: dial tcp 192.0.2.1:443: connection refused, and Docker's host has none of that name",
    ],
    [
      "away.example/a:1",
      true,
      "away.example/a:1: dial tcp 192.0.2.1:443: connection refused, and Docker's host has none of that name",
    ],
    [
      "away.example/here:1",
      false,
      "away.example/here:1: dial tcp 192.0.2.1:443: connection refused. With keepImages: true, the image of that name on Docker's host will do.",
    ],
    ["away.example/here:1", true, "sha256:1"],
    [`away.example/a@${digest}`, true, `away.example/a@${digest}: dial tcp 192.0.2.1:443: connection refused`],
  ] as const)
    // prettier-ignore
    it(`${image}${keep ? ", with keepImages" : ""} -> ${expected.replace(`${image}: `, "")}`, async () =>
      assert.equal(await told(image, keep), expected));
});
