import { constants } from "node:http2";
import { exchange, nextPoll, type Client, type ClientOptions, type Limits, type Result } from "./exchange";
import { Http2Connection, type Question } from "./http2-connection";

/**
 * How often a request goes once more that a server says it has not processed: as often as from Chromium (kMaxRetryAttempts
 * of its net/http).
 */
const mostMoves = 2;

/** A client that speaks HTTP/2. It asks on one connection, and leaves it for a new one when that has no future. */
export class Http2Client implements Client {
  private connection: Http2Connection | undefined;
  private ticket: Buffer | undefined;

  constructor(private readonly options: ClientOptions) {}

  /** What the server says it has not processed goes once more, and a second time; the third time it is lost. */
  ask(body: string | undefined, limits: Limits): Promise<Result> {
    const { profile, journal } = this.options;
    return exchange((settle) => {
      let connection: Http2Connection;
      let giveUp: () => void;
      const send = (moves: number) => {
        const used = (connection = this.usable());
        giveUp = used.ask(this.question(body), (end) => {
          if (!profile.keepAlive || "unprocessed" in end) used.retire();
          if (!("unprocessed" in end)) settle(end);
          else if (moves === mostMoves) settle({ outcome: "reset", reason: `sent twice more: ${end.unprocessed}` });
          else {
            journal.movedOn();
            send(moves + 1);
          }
        });
      };
      send(0);
      return () => {
        giveUp();
        // It may be dead without a word: what comes next is not to wait for it, too.
        connection.retire();
      };
    }, limits);
  }

  async tidy(): Promise<void> {
    if (this.options.profile.keepAlive) await nextPoll();
  }

  close(): void {
    this.connection?.retire();
  }

  private usable(): Http2Connection {
    if (this.connection?.isUsable !== true) {
      const keepTicket = (ticket: Buffer | undefined) => {
        if (this.options.profile.resumption !== false) this.ticket = ticket;
      };
      this.connection = new Http2Connection({ ...this.options, ticket: this.ticket, keepTicket });
    }
    return this.connection;
  }

  private question(body: string | undefined): Question {
    const { host, method, path } = this.options.profile;
    return {
      body,
      headers: {
        [constants.HTTP2_HEADER_METHOD]: method,
        [constants.HTTP2_HEADER_SCHEME]: "https",
        [constants.HTTP2_HEADER_AUTHORITY]: host ?? this.options.url.host,
        [constants.HTTP2_HEADER_PATH]: path,
        ...(body !== undefined && { [constants.HTTP2_HEADER_CONTENT_LENGTH]: Buffer.byteLength(body) }),
      },
    };
  }
}
