import { connect as connectTo, createServer, type Server } from 'node:net';

/** A TCP proxy on 127.0.0.1 that counts the bytes in both directions: what a run moves between the warehouse and this machine. */
export class CountingProxy {
  readonly #server: Server;
  #bytes = 0;

  private constructor(server: Server) {
    this.#server = server;
  }

  /** In front of the server of a postgres:// URL. */
  static async start(url: string): Promise<CountingProxy> {
    const { hostname, port } = new URL(url);
    let proxy: CountingProxy | undefined;
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
        from.pipe(to);
      }
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    proxy = new CountingProxy(server);
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
