import { connect as connectTo, createServer, type Server, type Socket } from 'node:net';

/** Between the warehouse and the machine that Headrace runs on. */
export interface Network {
  readonly name: string;
  /** In each direction; undefined for as many as come. */
  readonly bytesPerSecond: number | undefined;
  readonly roundTripMs: number;
}

/** A server under this pressure of unsent bytes stops sending, as one behind a full TCP window does. */
const WINDOW_BYTES = 256 * 1024;

/** A TCP proxy on 127.0.0.1 that counts the bytes in both directions, and can be as slow as a network is. */
export class NetworkProxy {
  readonly #server: Server;
  #bytes = 0;

  private constructor(server: Server) {
    this.#server = server;
  }

  /** In front of the server of a postgres:// URL. */
  static async start(url: string, network?: Network): Promise<NetworkProxy> {
    const { hostname, port } = new URL(url);
    let proxy: NetworkProxy | undefined;
    const server = createServer((client) => {
      const upstream = connectTo(Number(port), hostname);
      for (const [from, to] of [
        [client, upstream],
        [upstream, client],
      ] as const) {
        from.on('data', (data: Buffer) => {
          if (proxy !== undefined) proxy.#bytes += data.length;
        });
        from.on('error', () => to.destroy());
        if (network === undefined) from.pipe(to);
        else carry(from, to, network);
      }
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    proxy = new NetworkProxy(server);
    return proxy;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** The same database, by way of this. */
  urlOf(url: string): string {
    const address = this.#server.address();
    if (address === null || typeof address === 'string') throw new Error('the proxy is closed');
    return Object.assign(new URL(url), { hostname: '127.0.0.1', port: String(address.port) }).toString();
  }

  async close(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#server.close(() => resolve());
      setImmediate(resolve);
    });
  }
}

/** One direction: a line that takes so many bytes in a second, and half of the round trip for each of them. What is put into it comes out in order. */
function carry(from: Socket, to: Socket, { bytesPerSecond = Number.POSITIVE_INFINITY, roundTripMs }: Network): void {
  // What is on its way fills the line: a longer one holds more.
  const capacity = WINDOW_BYTES + (Number.isFinite(bytesPerSecond) ? (bytesPerSecond * roundTripMs) / 1000 : 0);
  const line: { readonly data: Buffer | undefined; readonly dueAt: number }[] = [];
  let freeAt = 0;
  let underway = 0;
  let timer: NodeJS.Timeout | undefined;
  const deliver = (): void => {
    timer = undefined;
    for (let first = line[0]; first !== undefined && first.dueAt <= performance.now(); first = line[0]) {
      line.shift();
      if (first.data === undefined) to.end();
      else {
        underway -= first.data.length;
        to.write(first.data);
      }
    }
    if (underway < capacity) from.resume();
    const next = line[0];
    if (next !== undefined) timer = setTimeout(deliver, Math.max(0, next.dueAt - performance.now()));
  };
  const put = (data: Buffer | undefined): void => {
    freeAt = Math.max(performance.now(), freeAt) + (1000 * (data?.length ?? 0)) / bytesPerSecond;
    underway += data?.length ?? 0;
    line.push({ data, dueAt: freeAt + roundTripMs / 2 });
    if (underway >= capacity) from.pause();
    timer ??= setTimeout(deliver, freeAt + roundTripMs / 2 - performance.now());
  };
  from.on('data', put);
  from.on('end', () => put(undefined));
  to.on('close', () => clearTimeout(timer));
}
