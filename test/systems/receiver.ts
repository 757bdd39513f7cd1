import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface ReceivedRequest {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

export interface Receiver {
  /** As `http://127.0.0.1:4318`. */
  readonly address: string;
  /** So far, in order. */
  readonly requests: readonly ReceivedRequest[];
}

/** An HTTP server of the test's own that keeps what it gets; `answer` says with which status, of the n-th request from 0 on. */
export async function withReceiver(
  test: (receiver: Receiver) => Promise<void>,
  answer: (request: ReceivedRequest, n: number) => number = () => 200,
): Promise<void> {
  const requests: ReceivedRequest[] = [];
  const server = createServer((request, response) => {
    let text = '';
    request.on('data', (data: Buffer) => {
      text += data.toString();
    });
    request.on('end', () => {
      const received = { path: request.url ?? '', headers: request.headers, text };
      const status = answer(received, requests.length);
      requests.push(received);
      response
        .writeHead(status, status === 302 ? { location: '/elsewhere' } : { 'content-type': 'application/json' })
        .end(status === 204 || status === 302 ? undefined : '{}');
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    await test({ address: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, requests });
  } finally {
    server.closeAllConnections();
    server.close();
  }
}
