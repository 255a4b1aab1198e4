import { createSecretKey } from "node:crypto";
import type { z } from "zod";
import type { By } from "../../domain/by.ts";
import { isRejection } from "../../domain/rejection.ts";
import type { Database } from "../../infra/ports/database.ts";
import type { Door } from "../../infra/ports/door.ts";
import { createCursors } from "../../read-api/cursors.ts";
import type { ReadParts } from "../../read-api/parts.ts";
import type { ChatLog } from "./chatLog.ts";

export const by = (userId: string, overrides: Partial<By> = {}): By => ({
  tenant: "main",
  userId,
  deviceId: "01890a5d-0000-7000-8000-00000000d01c",
  roles: [],
  guest: false,
  now: new Date(Date.UTC(2026, 10, 21)),
  correlationId: "test",
  ...overrides,
});

/** Asks the doors of reading as a transport would: the payload is parsed, and so is the answer. */
export function reader(chat: ChatLog, database: Database) {
  const cursors = createCursors(createSecretKey(Buffer.alloc(32, 7)), 1);
  const parts: ReadParts = { database, sealing: chat.sealing, cursors };
  return {
    parts,
    async get<Payload extends z.ZodType, Result extends z.ZodType>(
      door: Door<ReadParts, Payload, Result>,
      who: By,
      payload: z.input<Payload>,
    ): Promise<z.output<Result>> {
      const reply = await door.run(door.payload.parse(payload), who, parts);
      if (isRejection(reply)) throw new Error(`${reply.rejected}: ${reply.detail}`);
      return door.result.parse(reply.body);
    },
  };
}
