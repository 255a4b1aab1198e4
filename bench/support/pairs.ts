import { randomUUID } from "node:crypto";
import type { WebSocket } from "ws";
import { call, openSocket, signUpMany } from "./people.ts";

export const TEXT = "Please take the second dose at eight, with a glass of water, and write me how it went.";

/** One who sends and one who receives, however their server speaks. */
export interface Pair {
  readonly sender: WebSocket;
  readonly receiver: WebSocket;
  frame(id: string): string;
}

/** What one run saw: messages that arrived, seconds, and from sending to arriving in ms. */
interface Run {
  readonly messages: number;
  readonly seconds: number;
  readonly latencies: number[];
}

const idIn = (text: string, before: string): string | undefined => {
  const at = text.indexOf(before);
  return at < 0 ? undefined : text.slice(at + before.length, at + before.length + 36);
};

/** Keeps so many in flight in each pair for a while, then waits for the rest; every message must arrive, once. */
export function run(pairs: readonly Pair[], inFlight: number, seconds: number, perSecond?: number): Promise<Run> {
  return new Promise((resolve, reject) => {
    const sentAt = new Map<string, number>();
    const latencies: number[] = [];
    const began = performance.now();
    const until = began + seconds * 1_000;
    let sent = 0;
    let acknowledged = 0;
    let arrived = 0;
    const late = setTimeout(() => reject(new Error(`${arrived} of ${sent} messages arrived`)), (seconds + 30) * 1_000);
    const pace = perSecond === undefined ? undefined : setInterval(() => sendDue(), 5);

    const sendDue = () => {
      const now = performance.now();
      const due = Math.min(((now - began) / 1_000) * (perSecond ?? 0), seconds * (perSecond ?? 0));
      while (sent < due) send(pairs[sent % pairs.length]);
      if (now >= until) clearInterval(pace);
    };
    const send = (pair: Pair | undefined) => {
      if (!pair) return;
      const id = randomUUID();
      sentAt.set(id, performance.now());
      sent++;
      pair.sender.send(pair.frame(id));
    };
    const finish = () => {
      if (performance.now() < until || arrived < sent || acknowledged < sent) return;
      clearTimeout(late);
      clearInterval(pace);
      for (const { sender, receiver } of pairs) {
        sender.removeAllListeners("message");
        receiver.removeAllListeners("message");
      }
      resolve({ messages: arrived, seconds: (performance.now() - began) / 1_000, latencies });
    };
    for (const pair of pairs) {
      pair.sender.on("message", (data) => {
        const text = String(data);
        if (text.includes('"type":"reject"')) return reject(new Error(text));
        if (!text.includes('"type":"ack"')) return;
        acknowledged++;
        if (perSecond === undefined && performance.now() < until) send(pair);
        finish();
      });
      pair.receiver.on("message", (data) => {
        let rest = String(data);
        for (let id = messageIn(rest); id; id = messageIn(rest)) {
          const at = sentAt.get(id);
          if (at === undefined) return reject(new Error(`${id} arrived twice, or was never sent`));
          sentAt.delete(id);
          latencies.push(performance.now() - at);
          arrived++;
          rest = rest.slice(rest.indexOf(id) + 36);
          // A change names its message twice: in its key and in what it carries.
          if (rest.includes(id)) rest = rest.slice(rest.indexOf(id) + 36);
        }
        finish();
      });
      if (perSecond === undefined) for (let n = 0; n < inFlight; n++) send(pair);
    }
  });
}

const messageIn = (text: string) =>
  (idIn(text, '"op":"message"') && idIn(text, '"messageId":"')) || idIn(text, '"type":"message","id":"');

/** People who talk in twos, each on a live socket. */
export async function scriptaPairs(url: string, pairs: number): Promise<Pair[]> {
  const people = await signUpMany(url, 2 * pairs);
  return Promise.all(
    Array.from({ length: pairs }, async (_, nth) => {
      const [one, other] = [people[2 * nth], people[2 * nth + 1]];
      if (!one || !other) throw new Error("too few people");
      const { conversationId } = await call<{ conversationId: string }>(url, "POST", "/api/v1/conversations", {
        token: one.accessToken,
        body: { kind: "direct", userId: other.userId },
      });
      const [sender, receiver] = await Promise.all([openSocket(url, one), openSocket(url, other)]);
      const frame = (messageId: string) =>
        JSON.stringify({
          type: "command",
          id: messageId,
          name: "SendMessage",
          payload: { conversationId, messageId, kind: "text", text: TEXT },
        });
      return { sender, receiver, frame };
    }),
  );
}
