import { STATUS_CODES } from "node:http";
import type { Socket } from "node:net";
import { reject } from "../../domain/rejection.ts";
import { problemOf } from "./problem.ts";

/** Answers bytes that are no HTTP request, for which there is no request to answer, and ends their connection. */
export function refuseBroken(error: Error & { readonly code?: string }, socket: Socket): void {
  if (socket.writable && error.code !== "ECONNRESET") {
    const problem = problemOf(
      error.code === "HPE_HEADER_OVERFLOW"
        ? reject("too-large", "the address and the headers are larger than 16 KiB")
        : reject("validation-failed", "what came is no HTTP request, or came too slowly"),
    );
    const body = JSON.stringify(problem);
    const head = [
      `HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status]}`,
      "connection: close",
      "cache-control: no-store",
      "content-type: application/problem+json",
      `content-length: ${Buffer.byteLength(body)}`,
    ];
    socket.write(`${head.join("\r\n")}\r\n\r\n${body}`);
  }
  socket.destroy(error);
}
