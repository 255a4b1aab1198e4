import { z } from "zod";
import { Time } from "../../domain/conversation/events.ts";

/** A time with any offset, as UTC; it must still be one of four-digit years there. */
export const Moment = z.iso
  .datetime({ offset: true })
  .transform((time) => new Date(time).toISOString())
  .pipe(Time);
