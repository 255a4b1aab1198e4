import fc from "fast-check";
import { expect, test } from "vitest";
import { z } from "zod";
import { decodeFacts } from "../../domain/catalogue.ts";
import { only } from "../../domain/event.ts";
import { isRejection } from "../../domain/rejection.ts";
import { type EventLog, UnknownOutcome } from "../../infra/ports/eventLog.ts";
import { aGroup } from "../../test/support/aGroup.ts";
import { aDeployment, alteredLog, asks, recordedIn, send } from "../../test/support/engines.ts";
import { AddMember } from "../conversation/addMember.ts";
import { RemoveMember } from "../conversation/removeMember.ts";
import { SendMessage } from "../conversation/sendMessage.ts";

const Sent = z.object({ messageId: z.string(), seq: z.int(), revision: z.int(), position: z.int() });

/** What may go wrong with one append: its answer is lost, after it was committed or before. */
const fault = fc.constantFrom("none", "none", "none", "none", "none", "lost after", "lost before");
const step = fc.record({
  engine: fc.nat(1),
  who: fc.nat(2),
  what: fc.constantFrom("send", "send", "send", "send", "send twice", "add", "remove"),
  settle: fc.boolean(),
});

/** A log whose appends meet these faults in turn, and then no more. */
function faulty(log: EventLog, faults: readonly string[]): EventLog {
  let next = 0;
  return alteredLog(log, {
    async append(stream, expected, commands) {
      const fate = faults[next++];
      if (fate === "lost before") throw new UnknownOutcome("the link broke before the commit");
      const outcome = await log.append(stream, expected, commands);
      if (fate === "lost after") throw new UnknownOutcome("the link broke after the commit");
      return outcome;
    },
  });
}

test("whoever sends, joins and leaves through two processes at once, and whatever appends go unanswered: seq is dense, what was acknowledged is there once, what was refused is not", () =>
  fc.assert(
    fc.asyncProperty(
      fc.array(step, { minLength: 1, maxLength: 40 }),
      fc.array(fault, { maxLength: 6 }),
      async (steps, faults) => {
        const deployment = aDeployment();
        const { log } = deployment;
        const people = [deployment.account(), deployment.account(), deployment.account()];
        const [owner = "", second = ""] = people;
        const { conversationId, stream } = await aGroup(deployment.engine(), owner, [second]);
        const engines = [0, 1].map(() => deployment.engine({ log: faulty(log, faults), limits: { turn: 3 } }));
        const acknowledged = new Map<string, z.infer<typeof Sent>>();
        const refused = new Set<string>();
        let running: Promise<void>[] = [];
        for (const { engine: which, who, what, settle } of steps) {
          const engine = engines[which];
          const userId = people[who];
          if (!engine || !userId) continue;
          if (what === "add" || what === "remove") {
            const change = what === "add" ? AddMember : RemoveMember;
            if (userId !== owner)
              running.push(send(engine, change, { conversationId, userId }, asks(owner)).then(() => {}));
          } else {
            const messageId = crypto.randomUUID();
            for (let times = what === "send" ? 1 : 2; times > 0; times--)
              running.push(
                send(engine, SendMessage, { conversationId, messageId, text: "hello" }, asks(userId)).then(
                  (outcome) => {
                    if (isRejection(outcome)) return void refused.add(messageId);
                    const ack = Sent.parse(outcome.body);
                    expect(acknowledged.get(messageId) ?? ack).toEqual(ack);
                    acknowledged.set(messageId, ack);
                  },
                ),
              );
          }
          if (settle) {
            await Promise.all(running);
            running = [];
          }
        }
        await Promise.all(running);

        const recorded = await recordedIn(log, stream);
        const sent = recorded.filter(({ type }) => type === "MessageSent");
        const seqs = sent.map((event) => {
          const facts = decodeFacts(event);
          if (facts.type === "?") throw new Error("every event here is known");
          return only([facts], "MessageSent").data.seq;
        });
        expect(seqs).toEqual(sent.map((_, index) => index + 1));
        const byId = Map.groupBy(sent, ({ target }) => target ?? "");
        for (const [messageId, ack] of acknowledged) {
          const [event, ...more] = byId.get(messageId) ?? [];
          expect(more).toEqual([]);
          expect({ position: event?.position, revision: event?.revision }).toEqual({
            position: ack.position,
            revision: ack.revision,
          });
          expect(seqs[sent.findIndex(({ target }) => target === messageId)]).toBe(ack.seq);
        }
        for (const messageId of refused) if (!acknowledged.has(messageId)) expect(byId.has(messageId)).toBe(false);
        expect(sent.length).toBe(acknowledged.size);
      },
    ),
    { numRuns: 60 },
  ));
