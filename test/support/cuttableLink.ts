import { connect, createServer, type Socket } from "node:net";

export interface CuttableLink {
  /** The same URL by way of the link. */
  readonly url: string;
  /** While the work goes on requests arrive, and each answer breaks its connection instead. */
  cutWhile<T>(work: Promise<T>): Promise<T>;
  /** While the work goes on requests arrive, and no answer ever comes. */
  hangWhile<T>(work: Promise<T>): Promise<T>;
  close(): void;
}

/** A TCP relay to a server that can break in the worst moment: between its commit and its answer. */
export async function cuttableLink(target: string): Promise<CuttableLink> {
  const { hostname, port } = new URL(target);
  const sockets = new Set<Socket>();
  let cut = false;
  let hung = false;
  const relay = createServer((near) => {
    const far = connect(Number(port), hostname);
    for (const socket of [near, far]) {
      sockets.add(socket);
      socket.on("error", () => undefined);
      socket.on("close", () => {
        near.destroy();
        far.destroy();
        sockets.delete(socket);
      });
    }
    near.pipe(far);
    far.on("data", (answer) => {
      if (cut) near.destroy();
      else if (!hung) near.write(answer);
    });
  });
  await new Promise<void>((resolve) => relay.listen(0, "127.0.0.1", resolve));
  const address = relay.address();
  const url = new URL(target);
  url.port = String(address && typeof address === "object" ? address.port : 0);
  return {
    url: url.href,
    cutWhile(work) {
      cut = true;
      return work.finally(() => {
        cut = false;
      });
    },
    hangWhile(work) {
      hung = true;
      return work.finally(() => {
        hung = false;
      });
    },
    close() {
      relay.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}
