import type { z } from "zod";
import { type Engine, Placement } from "../commands/index.ts";
import type { By } from "../domain/by.ts";
import { isRejection, type Rejection } from "../domain/rejection.ts";
import type { Door } from "../infra/ports/door.ts";

/** Sends a command through its own door, and gives where in the log its change stands. */
export async function sendCommand<Payload extends z.ZodType>(
  { door }: { readonly door: Door<Engine, Payload, z.ZodType> },
  payload: z.output<Payload>,
  by: By,
  engine: Engine,
): Promise<z.output<typeof Placement> | Rejection> {
  const outcome = await door.run(payload, by, engine);
  return isRejection(outcome) ? outcome : Placement.parse(outcome.body);
}
