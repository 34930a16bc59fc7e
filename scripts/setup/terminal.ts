import type { Reporter } from "./step";

const plainIntervalMs = 15_000;

/** 0.31 s, 4.5 s, 12 s, 3 min 20 s; whole seconds stay whole. */
export function formatSeconds(seconds: number): string {
  if (seconds < 10 && !Number.isInteger(seconds)) return `${seconds.toFixed(seconds < 1 ? 2 : 1)} s`;
  const whole = Math.round(seconds);
  return whole < 60 ? `${whole} s` : `${Math.floor(whole / 60)} min ${whole % 60} s`;
}

/** Reports to a stream: the status is one line that is rewritten on a terminal, a line every 15 seconds elsewhere. */
export function streamReporter(stream: NodeJS.WriteStream): Reporter & { close(): void } {
  let step = "";
  let status = "";
  let started = 0;
  let lastPlain = 0;
  let timer: NodeJS.Timeout | undefined;

  const clear = () => stream.isTTY && stream.write("\r\x1b[K");
  const line = (text: string) => {
    clear();
    stream.write(`${step}: ${text}\n`);
  };
  const tick = () => {
    const now = performance.now();
    const text = [status, formatSeconds(Math.round((now - started) / 1000))].filter(Boolean).join(", ");
    if (stream.isTTY) {
      // A line that wraps could not be rewritten.
      stream.write(`\r\x1b[K${`${step}: ${text}`.slice(0, stream.columns - 1)}`);
    } else if (now - lastPlain >= plainIntervalMs) {
      lastPlain = now;
      line(text);
    }
  };
  const close = () => {
    clearInterval(timer);
    clear();
  };

  return {
    begin(name) {
      close(); // after one that has failed
      step = name;
      status = "";
      started = lastPlain = performance.now();
      timer = setInterval(tick, 1000);
    },
    note(text) {
      status = "";
      line(text);
    },
    status(text) {
      status = text;
    },
    end(seconds) {
      close();
      line(`ready (${formatSeconds(seconds)})`);
    },
    close,
  };
}
