import { acmeFolder, challengePath } from "../../model/layout";
import type { Acme } from "../../model/tls";

/** For the http block, before its first map. */
export const roomForNames = `  # Room for long names in maps, and many.
  map_hash_bucket_size 512;
  map_hash_max_size 8192;
`;

/**
 * For the http block: the name that a certificate is read for, once it is asked for, so that a renewed one is taken without a reload.
 *
 * @see https://nginx.org/en/docs/http/ngx_http_ssl_module.html#ssl_certificate_cache
 */
export function renderAcmeNames({ hosts }: Acme): string {
  return `  ssl_certificate_cache max=1000 inactive=1h valid=10s;
  # What a client calls a host, in lower case.
  map $ssl_server_name $acme_host {
    default none;
${hosts.map((host) => `    ${host} ${host};\n`).join("")}  }
`;
}

/** Where the certificate of a host lies. */
export const acmeCertificate = (folder: string, host: string): string => `${acmeFolder}/${folder}/live/${host}.crt`;

/** In a server block with TLS. */
export function renderAcmeCertificate({ folder }: Acme): string {
  const file = acmeCertificate(folder, "$acme_host");
  return `    # tls.acme
    ssl_certificate ${file};
    ssl_certificate_key ${file.replace(/crt$/, "key")};
`;
}

/** In a plain server block: what an authority asks for, before it makes a certificate (RFC 8555, 8.3). */
export function renderChallenge({ folder }: Acme): string {
  return `    location ^~ ${challengePath} {
      root ${acmeFolder}/${folder}/webroot;
      default_type text/plain;
    }
`;
}

/**
 * In a plain server block: clients are sent on as soon as a host has its certificate.
 *
 * @param host default: the one that is asked for
 */
export function renderOnceCertified({ folder }: Acme, to: string, host = "$host"): string {
  return `    set $is_certified "";
    if (-f ${acmeCertificate(folder, host)}) {
      set $is_certified 1;
    }
    if ($uri ~ ^${challengePath.replaceAll(".", "\\.")}) {
      set $is_certified "";
    }
    if ($is_certified) {
      return 308 ${to}$request_uri;
    }
`;
}
