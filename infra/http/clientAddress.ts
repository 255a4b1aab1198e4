import type { IncomingMessage } from "node:http";
import { type BlockList, isIP } from "node:net";

/** Where a request comes from. */
export type AddressOf = (request: IncomingMessage) => string;

/**
 * The address of the connection; where that is a trusted proxy's, the last one of `X-Forwarded-For` that no trusted
 * proxy has: what stands before it the client may have written itself.
 */
export const clientAddress =
  (trusted: BlockList): AddressOf =>
  ({ socket, headers }) => {
    const forwarded = [headers["x-forwarded-for"] ?? []].flat().join(",").split(",");
    let address = socket.remoteAddress ?? "";
    while (isTrusted(trusted, address)) {
      const before = forwarded.pop()?.trim() ?? "";
      if (isIP(before) === 0) break;
      address = before;
    }
    return address;
  };

const isTrusted = (trusted: BlockList, address: string): boolean => {
  const family = isIP(address);
  return family !== 0 && trusted.check(address, family === 6 ? "ipv6" : "ipv4");
};
