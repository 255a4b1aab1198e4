import type { z } from "zod";
import type { CommandDoor } from "../../commands/command.ts";
import type { Account } from "../../commands/engine/deciding.ts";
import { defaultLimits, type Engine, type EngineLimits } from "../../commands/engine/engine.ts";
import type { By } from "../../domain/by.ts";
import type { DomainEvent } from "../../domain/event.ts";
import type { StreamId } from "../../domain/ids.ts";
import { isRejection, type Rejection } from "../../domain/rejection.ts";
import { MemoryEventLog } from "../../infra/eventLog/memoryEventLog.ts";
import { memorySecretStore } from "../../infra/keys/memorySecretStore.ts";
import type { Reply } from "../../infra/ports/door.ts";
import type { EventLog, RecordedEvent } from "../../infra/ports/eventLog.ts";
import { noSnapshots } from "../../infra/ports/snapshots.ts";
import { createSealing } from "../../sealing/sealing.ts";
import { NOW } from "./given.ts";

/** What processes share: a log, the secrets and the accounts. Each engine stands for a process of its own. */
export function aDeployment() {
  const clock = { ms: NOW.getTime(), now: () => clock.ms };
  const log: EventLog = new MemoryEventLog(clock);
  const secrets = memorySecretStore();
  const accounts = new Map<string, Account>();
  return {
    clock,
    log,
    secrets,
    account(standing: Partial<Account> = {}): string {
      const userId = crypto.randomUUID();
      accounts.set(userId, { guest: false, deactivated: false, erased: false, ...standing });
      return userId;
    },
    engine({ limits, ...changes }: Partial<Omit<Engine, "limits">> & { limits?: Partial<EngineLimits> } = {}): Engine {
      return {
        log,
        sealing: createSealing({ secrets }),
        clock,
        snapshots: noSnapshots,
        newId: () => crypto.randomUUID(),
        accounts: async (_, userIds) =>
          new Map(
            userIds.flatMap((userId) => {
              const account = accounts.get(userId);
              return account ? [[userId, account]] : [];
            }),
          ),
        marks: async () => new Map(),
        lastRecordedAt: { value: 0 },
        limits: { ...defaultLimits, ...limits },
        ...changes,
      };
    },
  };
}

/** A request of a person's, arriving at the moment of every specification. */
export const asks = (userId: string, more: Partial<By> = {}): By => ({
  tenant: "main",
  userId,
  deviceId: null,
  roles: [],
  guest: false,
  now: NOW,
  correlationId: "test",
  ...more,
});

/** The same log, but for what is given. */
export const alteredLog = (log: EventLog, changes: Partial<EventLog>): EventLog => ({
  append: (stream, expected, commands) => log.append(stream, expected, commands),
  find: (stream, commandId) => log.find(stream, commandId),
  readTarget: (stream, target) => log.readTarget(stream, target),
  knownTargets: (stream, among) => log.knownTargets(stream, among),
  readStream: (stream, from, limit) => log.readStream(stream, from, limit),
  readAll: (after, limit) => log.readAll(after, limit),
  revision: (stream) => log.revision(stream),
  head: () => log.head(),
  epoch: () => log.epoch(),
  subscribe: (after, onBatch) => log.subscribe(after, onBatch),
  ...changes,
});

export async function recordedIn(log: EventLog, stream: StreamId): Promise<RecordedEvent[]> {
  const events: RecordedEvent[] = [];
  for await (const event of log.readStream(stream)) events.push(event);
  return events;
}

/** Sends a command as a client would, and gives what it is told. */
export const send = <State, Event extends DomainEvent, Payload extends z.ZodType, Result extends z.ZodObject>(
  engine: Engine,
  it: CommandDoor<State, Event, Payload, Result>,
  payload: z.input<Payload>,
  by: By,
): Promise<Reply<unknown> | Rejection> => it.door.run(it.payload.parse(payload), by, engine);

/** What was answered, where it was not refused. */
export function answered(outcome: Reply<unknown> | Rejection): unknown {
  if (isRejection(outcome)) throw new Error(`refused: ${outcome.rejected}, ${outcome.detail}`);
  return outcome.body;
}
