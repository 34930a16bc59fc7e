import type { Agent } from "node:http";
import { connect, type NetConnectOpts } from "node:net";
import { connect as connectSecurely, type ConnectionOptions } from "node:tls";

/**
 * What a connection begins with that comes through no proxy, where PROXY protocol is spoken: it names nobody.
 *
 * @see https://www.haproxy.org/download/2.9/doc/proxy-protocol.txt 2.1
 */
const line = "PROXY UNKNOWN\r\n";

/**
 * Has an agent begin each of its connections with that line, and only then with TLS where it speaks that.
 *
 * @param isTls whether the agent is one for https
 * @returns the agent itself
 */
export function withProxyLine<A extends Agent>(agent: A, isTls = false): A {
  Object.assign(agent, {
    createConnection: (options: NetConnectOpts & ConnectionOptions) => {
      const socket = connect(options);
      // It is sent as soon as there is a connection: before whatever is written to it later.
      socket.write(line);
      return isTls ? connectSecurely({ ...options, socket }) : socket;
    },
  });
  return agent;
}
