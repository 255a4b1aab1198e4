import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import type { WebSocket } from "ws";
import { openRelaySocket, openSocket, type SignedIn } from "./people.ts";

/**
 * Opens sockets of the people in a file and leaves them idle, in a process of its own: `crowd.ts <url> <file> <kind>`.
 * Each line of input is a number: it opens more until so many are open, and prints `open <n>`; it ends with its input.
 */
const [url = "", file = "", kind = ""] = process.argv.slice(2);
const CONNECTING_AT_ONCE = 32;
const people: SignedIn[] = JSON.parse(readFileSync(file, "utf8"));
const sockets: WebSocket[] = [];

let next = 0;
const openUpTo = async (count: number) => {
  while (next < count) {
    const person = people[next++];
    if (person) sockets.push(await (kind === "relay" ? openRelaySocket(url, "everybody") : openSocket(url, person)));
  }
};
for await (const line of createInterface({ input: process.stdin })) {
  await Promise.all(Array.from({ length: CONNECTING_AT_ONCE }, () => openUpTo(Number(line))));
  console.log(`open ${sockets.filter(({ readyState, OPEN }) => readyState === OPEN).length}`);
}
process.exit(0);
