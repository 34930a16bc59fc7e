import type { Agent, ClientRequestArgs } from "node:http";
import { connect, type NetConnectOpts, type Socket } from "node:net";

/**
 * What a connection begins with that comes through no proxy, where PROXY protocol is spoken: it names nobody.
 *
 * @see https://www.haproxy.org/download/2.9/doc/proxy-protocol.txt 2.1
 */
const line = "PROXY UNKNOWN\r\n";

/** Opens a connection that begins with that line. */
export function connectWithLine(options: NetConnectOpts): Socket {
  const socket = connect(options);
  // It is sent as soon as there is a connection: before whatever is written to it later.
  socket.write(line);
  return socket;
}

/**
 * Has an agent begin each of its connections with that line, and only then with TLS where it speaks that.
 *
 * @param isTls whether the agent is one for https
 * @returns the agent itself
 */
export function withProxyLine<A extends Agent>(agent: A, isTls = false): A {
  const connectAsBefore = agent.createConnection.bind(agent); // for it also keeps the TLS sessions
  Object.assign(agent, {
    createConnection(options: NetConnectOpts & ClientRequestArgs) {
      const socket = connectWithLine(options);
      const overSocket = { ...options, socket };
      return isTls ? connectAsBefore(overSocket) : socket;
    },
  });
  return agent;
}
