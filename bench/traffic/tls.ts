import { interleave, type Part, type Series } from "../part";
import { backendPort, tlsPort } from "./configs";
import { buildImages } from "./images";
import { Lab, type Server } from "./lab";
import { throughput, type Target } from "./load";
import { staticBackend } from "./servers";
import { loadEstimate, loadTurns, planOf, ratio } from "./throughput";
import { certifiedFor, tlsKinds, tlsProxy } from "./tls-servers";

const backends = ["static-1", "static-2"];
const titles = { tuned: "hand-tuned nginx", haproxy: "HAProxy 3.2", caddy: "Caddy 2.11" } as const;

/** Our configuration with TLS against others, with one certificate and before backends that cost next to nothing. */
export const tlsPart: Part = {
  name: "tls",
  title: "TLS 1.3 before static backends",
  ratios: (["tuned", "haproxy", "caddy"] as const).flatMap((other) => [
    ratio(
      `tls-kept-${other}`,
      `requests on kept connections, ours / ${titles[other]}`,
      ["ours kept", `${other} kept`],
      1,
    ),
    ratio(
      `tls-handshakes-${other}`,
      `a full handshake for each request, ours / ${titles[other]}`,
      ["ours handshakes", `${other} handshakes`],
      1,
    ),
  ]),
  estimate: (scale) => loadEstimate(scale, 8),
  run: (context) =>
    Lab.with(async (lab) => {
      const images = await buildImages(context);
      await lab.start(
        backends.map((name) => staticBackend(name, images)),
        backendPort,
      );
      const certified = await certifiedFor(tlsKinds.map((kind) => `${kind}.bench.example`));
      const servers: Server[] = tlsKinds.map((kind) => tlsProxy(kind, backends, images, certified));
      await lab.start(servers, tlsPort);
      const target = (kind: string): Target => {
        const host = `${kind}.bench.example`;
        return { lab, tools: images.peers, place: kind, host, port: tlsPort, isTls: true };
      };
      const measure = async (side: string): Promise<Record<string, number>> => {
        const [kind = "", what] = side.split(" ");
        const plan = { ...planOf(context, what === "kept" ? 64 : 16), isKept: what === "kept" };
        const { rate, failures } = await throughput(target(kind), plan);
        if (failures !== undefined && plan.isKept) context.note(`${side}: ${failures}`);
        return { [side]: rate };
      };
      const sides = tlsKinds.flatMap((kind) => [`${kind} kept`, `${kind} handshakes`]);
      return (await interleave(sides, context, measure, loadTurns(context))) satisfies Series;
    }),
};
