import assert from "node:assert/strict";
import { parseDirectives } from "../../model/directives";
import { usualHanding } from "../../nginx/render/policy";
import { renderFirstTry, renderSpool, renderUnspooled } from "../../nginx/render/spool";

describe("the spool of answers", () => {
  const first = (directives: string, spoolMb = 64) =>
    renderFirstTry("hand on;\n", spoolMb, parseDirectives(directives), [usualHanding]);
  const plain = { route: "hand on;\n", unspooled: "hand on;\n", locations: [] };

  it("gives an answer a 64th of it, on the way of those that have a share", () => {
    const { route, locations } = first("gzip on;");
    assert.match(route, /^limit_conn spool 64;\n/);
    const [spooled, unspooled, live] = locations;
    assert.equal(spooled, "location @spooled {\n  proxy_max_temp_file_size 1024k;\n  hand on;\n}\n");
    assert.equal(unspooled, "location @unspooled {\n  hand on;\n}\n");
    assert.equal(live, "location @live {\n  proxy_buffering off;\n  hand on;\n}\n");
    assert.match(first("", 1).locations.join(""), /proxy_max_temp_file_size 16k;/);
  });

  it("has a way past it, on which no share is counted, and events and WebSockets still come piece by piece", () => {
    const { route, unspooled } = first("");
    assert.equal(unspooled, route.replace(/^limit_conn.*\n/gm, "").replace("$way_of_answer", "$way_unspooled"));
    assert.match(renderUnspooled("$handing"), /"~\^upgrade\|text\/event-stream" @live\$handing;/);
  });

  it("is none for 0, when events still come one by one", () => {
    const { route, locations } = first("", 0);
    assert.match(route, /^root [^]*try_files \/none \$way_of_answer;\n$/);
    assert.deepEqual(locations, [
      "location @unspooled {\n  hand on;\n}\n",
      "location @live {\n  proxy_buffering off;\n  hand on;\n}\n",
    ]);
    assert.match(
      renderSpool(0, ""),
      /map "\$connection_upgrade \$http_accept" \$way_of_answer \{\n    default @unspooled;\n    "~\^upgrade\|text\/event-stream" @live;\n/,
    );
    assert.doesNotMatch(renderSpool(0, ""), /limit_conn/);
  });

  for (const directive of [
    "try_files a b;",
    "auth_request /a;",
    "mirror /a;",
    "proxy_buffering off;",
    "proxy_max_temp_file_size 1m;",
  ])
    it(`is none where the user has ${directive}`, () => {
      assert.deepEqual(first(directive), plain);
      assert.notDeepEqual(first(`location /a { ${directive} }`), plain);
    });
});
