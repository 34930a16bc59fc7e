import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { livePlace } from "../../model/layout";
import { accessAt, accessRule } from "../../model/policies/access";
import { problemOfUsers, usersFiles, usersName, withUsers } from "../../model/policies/users";
import { topologyOf } from "../../model/topology";
import { releaseOf, renderFiles } from "../../nginx/render/config";
import { attachmentsOf } from "../../rollout/certificates";
import { askInTurn } from "../../rollout/steps/public-address";
import { settings } from "../components";
import { problemsOf } from "../problems";

const bcrypt = `$2y$10$${"a".repeat(53)}`;
const sha512 = `$6$salt$${"b".repeat(86)}`;
const servers = [{ name: "a-0", port: 1, weight: 1, health: { path: "/", host: "a" } }];
const [app] = settings.apps as [(typeof settings.apps)[number]];
const gate = { app: "gate", path: "/gate", headers: ["X-User"] };

const topologyWith = (access: readonly object[], more: Partial<typeof settings> = {}) => {
  const apps = [
    { ...app, name: "shop" },
    { ...app, name: "gate", paths: ["/gate"] },
  ];
  const all = [...servers, { ...servers[0]!, app: "gate", name: "gate-0" }]; // eslint-disable-line
  return topologyOf({ ...settings, apps, access: accessRule.parse(access), ...more }, all);
};
const render = (...args: Parameters<typeof topologyWith>) => {
  const files = renderFiles(topologyWith(...args), livePlace, "0123456789abcdef");
  const texts = new Map(files.map(({ name, text }) => [name, text]));
  return (name: string) => texts.get(name) ?? "";
};
/** Lines of the location of a path. */
const linesAt = (main: string, path: string) =>
  (main.split(`    location = ${path} {\n`)[1] ?? "").split("    }\n")[0]?.split("\n").map((line) => line.trim()).slice(1, -2); // prettier-ignore

describe("the settings of access", () => {
  const readFile = (path: string) => ({ users: `a:${bcrypt}\n`, plain: "a:secret\n" })[path];
  const refused = (value: unknown, more: Record<string, string> = {}) =>
    problemsOf({ access: JSON.stringify(value), ...more }, { readFile });
  for (const [value, ...problems] of [
    [
      [
        { paths: ["/a"], allow: ["10.0.0.0/8"] },
        { paths: ["/a/b"], open: true },
      ],
    ],
    [[{ users: "users" }, { paths: ["/b"], authRequest: { app: "app1", path: "/may" } }]],
    [[{}], "[0].open: got nothing, expected true, or one of allow, deny, users and authRequest"],
    [
      [{ open: true, deny: ["192.0.2.1"] }],
      "[0].open: got true, expected false beside allow, deny, users and authRequest",
    ],
    [[{ allow: ["10.0.0.1/8"] }], '[0].allow[0]: got "10.0.0.1/8", expected 10.0.0.0/8'],
    [
      [{ deny: ["host"] }],
      '[0].deny[0]: got "host", expected an IPv4 or IPv6 address or network, for example 10.0.0.0/8 or 2001:db8::7',
    ],
    [
      [{ users: "users" }, { users: "users", hosts: [] }],
      "[1].paths: got nothing, expected other hosts or paths than those of access[0]",
    ],
    [[{ users: "none" }], '[0].users: got "none", expected a file that can be read, relative to the program\'s folder'],
    [
      [{ users: "plain" }],
      '[0].users: got "plain", expected a hash of bcrypt ($2y$, $2b$, $2a$) or SHA-512 crypt ($6$) in line 1 of it',
    ],
    [
      [{ users: "users", realm: 'a"b' }],
      '[0].realm: got "a\\"b", expected up to 100 printable characters of ASCII without quotes, backslashes and $',
    ],
    [[{ authRequest: { app: "gate" } }], '[0].authRequest.app: got "gate", expected the name of an app: app1, app2'],
    [[{ authRequest: { app: "app1", path: "/a?b" } }], '[0].authRequest.path: got "/a?b", expected /a'],
    [
      [{ authRequest: { app: "app1", headers: ["Host"] } }],
      '[0].authRequest.headers[0]: got "Host", expected the name of a header that HTTP doesn\'t need itself, for example X-User',
    ],
    [[{ authRequest: "app1" }], '[0].authRequest: got "app1", expected an object {app, path, headers}'],
    [[{ users: "users", satisfy: "one" }], '[0].satisfy: got "one", expected one of all, any'],
  ] as const)
    it(`are ${problems.length === 0 ? "taken" : "refused"}: ${JSON.stringify(value)}`, () =>
      assert.deepEqual(
        refused(value),
        problems.map((problem) => `access${problem}`),
      ));

  it("have no addresses behind a proxy that nobody knows", () => {
    assert.deepEqual(refused([{ allow: ["10.0.0.0/8"] }], { behindProxy: "true" }), [
      'access[0].allow: got ["10.0.0.0/8"], expected trustedProxies in place of behindProxy, with which every client has the proxy\'s address',
    ]);
    assert.deepEqual(refused([{ users: "users" }], { behindProxy: "true" }), []);
  });

  it("hold as the narrowest entry says alone", () => {
    const entries = accessRule.parse([
      { deny: ["192.0.2.1"] },
      { paths: ["/a"], users: "users" },
      { paths: ["/a/open"], open: true },
      { hosts: ["a.example"], allow: ["192.0.2.2"] },
    ]);
    const at = (host: string, path: string) => {
      const { allow = [], deny = [], users } = accessAt(entries, [], host, path) ?? {};
      return [...allow, ...deny, users].join(" ");
    };
    assert.deepEqual(
      [at("", "/"), at("", "/a/b"), at("", "/a/open/x"), at("a.example", "/"), at("a.example", "/a")],
      ["192.0.2.1 ", " users", "", "192.0.2.2 ", " users"].map((text) => text.replace(/^ /, "")),
    );
  });
});

describe("a file of users", () => {
  const kinds = "a hash of bcrypt ($2y$, $2b$, $2a$) or SHA-512 crypt ($6$)";
  const rest = (length: number) => "c".repeat(length);
  for (const [what, text, problem] of [
    [
      "both kinds of hashes, comments and empty lines",
      `# a\n\na:${bcrypt}\r\nb:${sha512}\nc:$6$rounds=9000$s$${rest(86)}`,
    ],
    ["nothing", "# none\n", "a file with at least one line NAME:HASH"],
    ["no name", `a:${bcrypt}\n:${bcrypt}`, "NAME:HASH in line 2 of it"],
    ["no hash", "a", "NAME:HASH in line 1 of it"],
    ["a name twice", `a:${bcrypt}\n\na:${sha512}`, "another name than that of line 1 in line 3 of it"],
    ["more than a hash", `a:${sha512}:b`, `${kinds} in line 1 of it`],
    ["MD5", `a:$1$salt$${rest(22)}`, `${kinds} in line 1 of it`],
    ["Apache's MD5", `a:$apr1$salt$${rest(22)}`, `${kinds} in line 1 of it`],
    ["SHA-1", `a:{SHA}${rest(27)}=`, `${kinds} in line 1 of it`],
    ["SHA-256 crypt", `a:$5$salt$${rest(43)}`, `${kinds} in line 1 of it`],
    ["DES", "a:abJnggxhB/yWI", `${kinds} in line 1 of it`],
    ["plain text", "a:{PLAIN}secret", `${kinds} in line 1 of it`],
    ["bcrypt that takes a worker 100 ms", `a:$2b$11$${rest(53)}`, "bcrypt with a cost from 4 to 10 in line 1 of it: nginx checks it at each request"], // prettier-ignore
    ["SHA-512 of too many rounds", `a:$6$rounds=100001$s$${rest(86)}`, "SHA-512 crypt with 1000 to 100000 rounds in line 1 of it: nginx checks it at each request"], // prettier-ignore
  ] as const)
    it(`${problem === undefined ? "is taken" : "is refused"}: ${what}`, () =>
      assert.equal(problemOfUsers(text), problem));

  it("has a name in a release that changes with it, and that tells nothing without the key", () => {
    const named = (text: string, key: string) => {
      const access = [{ users: "a" }, {}, { users: "a" }];
      return withUsers({ access }, key, () => text).access.map(({ users }) => users);
    };
    const [name, none, same] = named("x", "key");
    assert.match(name ?? "", /^users-[0-9a-f]{16}$/);
    assert.deepEqual([none, same], [undefined, name]);
    assert.equal(new Set([name, named("y", "key")[0], named("x", "other")[0]]).size, 3);
    assert.deepEqual(usersFiles({ access: [{ users: "a" }, {}, { users: "a" }] }), ["a"]);
  });

  it("is read again for nginx, which is told its name alone, and refused where it is another one than in the preview", () => {
    const folder = mkdtempSync(join(tmpdir(), "nlb-users-"));
    try {
      const path = join(folder, "users");
      const text = `a:${bcrypt}\n`;
      writeFileSync(path, text);
      const topology = topologyWith([{ users: usersName(text, "key") }]);
      const files = { paths: [path], key: "key" };
      assert.deepEqual(attachmentsOf(topology, [], files), [{ name: usersName(text, "key"), text }]);
      const shown =
        renderFiles(topology, livePlace, "0")
          .map((one) => one.text)
          .join("") + JSON.stringify(topology);
      assert.doesNotMatch(shown, /2y\$/);
      writeFileSync(path, `a:${sha512}\n`);
      const message = `A file of users is another one than in the preview (${path}): run \`pulumi up\` again.`;
      assert.throws(() => attachmentsOf(topology, [], files), { message });
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

describe("the update's own check of a path whose requests an app lets in", () => {
  const release = releaseOf(topologyWith([{ authRequest: gate }]));
  const answers = async (status: number, sick: readonly string[] = []) =>
    askInTurn(release, new Set(sick), "Untouched.", async () =>
      Promise.resolve({ status, release: release.id, server: "" }),
    );

  it("takes a refusal for what it is, and nobody's decision for a failure", async () => {
    await answers(401);
    await answers(403);
    await assert.rejects(answers(503), { message: "a client that asks for / gets 503. Untouched." });
  });

  it("asks nothing where the app that decides was sick before", () => answers(503, ["gate-0"]));
});

describe("access in nginx's text", () => {
  it("is looked at where clients ask, refused addresses first", () => {
    const main = render([
      {
        paths: ["/a"],
        allow: ["10.0.0.0/8"],
        deny: ["10.1.0.0/16"],
        users: "users-1",
        realm: "the back",
        satisfy: "any",
      },
      { paths: ["/a/open"], open: true },
      { paths: ["/b"], deny: ["10.1.0.0/16"] },
    ])("nginx.conf");
    assert.deepEqual(linesAt(main, "/a"), [
      "satisfy any;",
      "deny 10.1.0.0/16;",
      "allow 10.0.0.0/8;",
      "deny all;",
      'auth_basic "the back";',
      "auth_basic_user_file $users_folder/users-1;",
    ]);
    assert.deepEqual([linesAt(main, "/a/open"), linesAt(main, "/b")], [[], ["deny 10.1.0.0/16;"]]);
    assert.match(main, /map \$host \$users_folder \{\n {4}default \/etc\/nginx\/live\/releases\/0123456789abcdef;\n/);
  });

  it("asks an app once, and hands on what it says and nothing that the client says", () => {
    const serverConfig = "error_page 404 /none;\nproxy_set_header X-Own 1;\n";
    const text = render([{ paths: ["/a"], authRequest: gate }], { serverConfig });
    assert.deepEqual(linesAt(text("nginx.conf"), "/a"), [
      "auth_request /.balancer/asked_0;",
      'set $request_header_0 "";',
      "auth_request_set $request_header_0 $upstream_http_x_user;",
      "auth_request_set $asked_cookie $upstream_http_set_cookie;",
      "add_header Set-Cookie $asked_cookie always;",
      "error_page 404 /none;",
      "error_page 500 = @undecided;",
    ]);
    const site = text("site.conf");
    assert.match(site, /proxy_set_header X-User \$request_header_0;/);
    const asked = /location = \/.balancer\/asked_0 \{\n([^}]*)\}/.exec(site)?.[1] ?? "";
    for (const line of [
      "internal;",
      "proxy_pass_request_body off;",
      "proxy_set_header X-Own 1;",
      "proxy_set_header X-Real-IP $remote_addr;",
      "proxy_set_header X-Original-URI $request_uri;",
      "proxy_set_header X-Original-Method $request_method;",
      'proxy_set_header Connection "";',
      'proxy_set_header Content-Length "";',
      'proxy_set_header If-None-Match "";',
      "proxy_pass http://gate/gate;",
    ])
      assert.ok(asked.includes(`  ${line}\n`), line);
    assert.doesNotMatch(asked, /connection_upgrade|websocket/);
    // What a route has set would be set back by the question.
    assert.match(
      site,
      /^if \(\$uri !~ "\^\/\\\.balancer\/\(asked_\[0-9\]\+\|moment\)\$"\) \{\n {2}set \$probe_route "";\n/,
    );
    assert.doesNotMatch(site, /^set /m);
  });

  it("is none of a stack without entries", () => {
    const text = render([]);
    assert.deepEqual(text("site.conf"), render([{ paths: ["/a"], open: true }])("site.conf"));
    assert.doesNotMatch(text("nginx.conf") + text("site.conf"), /asked_|users_folder|undecided|if \(/);
  });
});
