import { hardened } from "../../components/hardening";
import { healthCommand } from "../../model/health-command";
import { listenPort } from "../../model/layout";
import type { BaseImages } from "../../scripts/setup/images";
import { ourSettings } from "../traffic/configs";

/** What a project of Docker Compose is made for. */
export interface ComposeProject {
  readonly baseImages: BaseImages;
  /** Folder of the app, its build context. */
  readonly appPath: string;
  /** Where the balancer is published on 127.0.0.1. */
  readonly port: number;
  /** Seconds between two of Docker's checks of a backend: a service has one for all. */
  readonly healthIntervalSeconds: number;
}

/** Backends listen there. */
const appPort = 5000;
const nginxFile = "nginx.conf";
const balancerHealth = "/balancer-health";

/**
 * The files of a project that serves the app behind nginx as one does it with Docker Compose: an image of nginx that is
 * used as it is, a file mounted into it, one service that is scaled. Base images, limits, restrictions and the backends'
 * healthcheck are the product's.
 */
export function composeFiles(project: ComposeProject): Readonly<Record<string, string>> {
  return {
    // JSON is YAML.
    "compose.yaml": `${JSON.stringify({ services: services(project) }, undefined, 2)}\n`,
    [nginxFile]: nginxConfig,
  };
}

function services({ baseImages, appPath, port, healthIntervalSeconds }: ComposeProject) {
  return {
    backend: {
      build: { context: appPath, args: { PYTHON_IMAGE: baseImages.pythonImage } },
      ...restrictions(128),
      tmpfs: ["/tmp:rw,noexec,nosuid,nodev,size=16m"],
      stop_grace_period: "10s",
      healthcheck: {
        test: ["CMD-SHELL", escapeVariables(healthCommand(appPort, { path: "/health", host: "localhost" }))],
        interval: `${healthIntervalSeconds}s`,
        timeout: "5s",
        retries: 3,
        start_period: "60s",
      },
    },
    balancer: {
      image: baseImages.nginxImage,
      command: ["nginx", "-g", "daemon off;"],
      user: "10001:10001",
      depends_on: ["backend"],
      ...restrictions(ourSettings().balancerMemoryMb),
      tmpfs: ["/tmp:rw,noexec,nosuid,nodev,size=64m,mode=1777"],
      ports: [`127.0.0.1:${port}:${listenPort}`],
      volumes: [`./${nginxFile}:/etc/nginx/${nginxFile}:ro`],
      healthcheck: {
        test: [
          "CMD",
          "curl",
          "--fail",
          "--silent",
          "--output",
          "/dev/null",
          `http://127.0.0.1:${listenPort}${balancerHealth}`,
        ],
        interval: "3s",
        timeout: "5s",
        retries: 3,
      },
    },
  };
}

/** The product's restrictions of every container, in the words of Docker Compose. */
function restrictions(memoryMb: number) {
  const { readOnly, capabilities, securityOpts, memory, memorySwap, restart, logDriver, logOpts } = hardened(memoryMb);
  return {
    read_only: readOnly,
    cap_drop: capabilities.drops,
    security_opt: securityOpts,
    mem_limit: `${memory}m`,
    memswap_limit: `${memorySwap}m`,
    restart,
    logging: { driver: logDriver, options: logOpts },
  };
}

/** Compose takes $NAME for a variable of its own. */
function escapeVariables(text: string): string {
  return text.replaceAll("$", () => "$$");
}

/** One name for all backends, which Docker's DNS answers with the addresses of those that run. */
const nginxConfig = `pid /tmp/nginx.pid;
error_log stderr warn;
worker_processes auto;

events {
  worker_connections 4096;
}

http {
  access_log off;
  client_body_temp_path /tmp/client_body;
  proxy_temp_path /tmp/proxy;
  fastcgi_temp_path /tmp/fastcgi;
  uwsgi_temp_path /tmp/uwsgi;
  scgi_temp_path /tmp/scgi;

  resolver 127.0.0.11 valid=1s ipv6=off;

  upstream backends {
    zone backends 2m;
    server backend:${appPort} resolve;
    keepalive 512;
  }

  server {
    listen ${listenPort} backlog=4096;

    location = ${balancerHealth} {
      return 200;
    }

    location / {
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_set_header Host $http_host;
      proxy_pass http://backends;
    }
  }
}
`;
