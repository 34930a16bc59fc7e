import assert from "node:assert/strict";
import { request } from "node:http";
import { docker } from "../../../rollout/docker";
import { hosts, type Answer, type SoftwareSite } from "./site";

/** Cookies as a browser sends them back; all of them have to be for TLS alone. */
function cookiesOf({ headers }: Answer): string {
  const lines = headers["set-cookie"] ?? [];
  assert.deepEqual(
    lines.filter((line) => !/; Secure(?:;|$)/.test(line)),
    [],
  );
  return lines.map((line) => line.split(";")[0]).join("; ");
}

/** @param get the site, once it is there */
export function describeDjango(get: () => SoftwareSite): void {
  /** What a form is sent with: its cookie and its token. */
  async function openForm(): Promise<{ cookie: string; token: string }> {
    const form = await get().ask("shop", "/login");
    const [, token = ""] = /value="(\w+)"/.exec(form.text) ?? [];
    assert.match(token, /^\w{64}$/);
    return { cookie: cookiesOf(form), token };
  }
  async function send(headers: Record<string, string>, { cookie, token }: { cookie: string; token: string }) {
    const body = new URLSearchParams({ user: "Ada", csrfmiddlewaretoken: token });
    return get().ask("shop", "/login", { method: "POST", headers: { Cookie: cookie, ...headers }, body });
  }

  it("is told that its clients have TLS, and the host and port that they ask", async () => {
    const { port } = get();
    const { text } = await get().ask("shop", "/told");
    assert.deepEqual(JSON.parse(text), {
      secure: true,
      host: `shop.example:${port}`,
      address: `https://shop.example:${port}/a?b=c`,
      revision: "1",
    });
  });

  it("takes a form with its token and the page that it was on, and knows its user by a cookie", async () => {
    for (const headers of [
      { Referer: get().address("shop", "/login") },
      { Origin: get().address("shop", ""), Referer: get().address("shop", "/login") },
    ]) {
      const answer = await send(headers, await openForm());
      assert.deepEqual([answer.status, answer.headers.location], [302, get().address("shop", "/user")]);
      const { text } = await get().ask("shop", "/user", { headers: { Cookie: cookiesOf(answer) } });
      assert.equal(text, "Ada");
    }
  });

  it("refuses a form without its token, its cookie or its page, or of another site's", async () => {
    const form = await openForm();
    const page = { Referer: get().address("shop", "/login") };
    const answers = await Promise.all([
      send(page, { ...form, token: "" }),
      send(page, { ...form, cookie: "" }),
      send({}, form),
      send({ Referer: `https://shop.example:${get().port + 1}/login` }, form),
      send({ Referer: page.Referer.replace("https:", "http:") }, form),
      send({ ...page, Origin: "https://evil.example" }, form),
    ]);
    assert.deepEqual(
      answers.map(({ status }) => status),
      Array(answers.length).fill(403),
    );
  });

  it("has its files served", async () => {
    const { status, headers, text } = await get().ask("shop", "/static/shop.css");
    assert.deepEqual([status, headers["content-type"]], [200, "text/css"]);
    assert.match(text, /#123456/);
  });

  it("is never asked for another host: it would refuse it, the balancer does", async () => {
    for (const host of ["evil.example", "localhost.evil.example:80", "127.0.0.1"])
      assert.equal((await get().ask("shop", "/told", { headers: { Host: host } })).status, 421, host);
    const { backends } = await get().stack.containers();
    const id = backends.find(({ app }) => app === "shop")?.id ?? "";
    const ask = `import http.client
for host in ["evil.example", "localhost", "shop.example"]:
    connection = http.client.HTTPConnection("127.0.0.1", 5000)
    connection.request("GET", "/health", headers={"Host": host})
    print(connection.getresponse().status)`;
    const statuses = (await docker("exec", id, "python3", "-c", ask)).trim().split("\n");
    assert.deepEqual(statuses, ["400", "400", "200"]);
    const format = "{{.State.Health.Status}}";
    assert.equal((await docker("inspect", "--format", format, id)).trim(), "healthy");
  });

  it("has the plain port send its clients on to TLS, a form as a form", async () => {
    const location = await new Promise((resolve, reject) => {
      const headers = { Host: `${hosts.shop}:${get().stack.port}` };
      const asked = request(`${get().stack.url}/login?next=/`, { method: "POST", headers });
      asked.on("error", reject).on("response", ({ statusCode, headers: got }) => resolve([statusCode, got.location]));
      asked.end();
    });
    assert.deepEqual(location, [308, get().address("shop", "/login?next=/")]);
  });
}
