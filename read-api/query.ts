import { z } from "zod";
import type { By } from "../domain/by.ts";
import { isRejection, type Rejection, reject } from "../domain/rejection.ts";
import { type Door, door } from "../infra/ports/door.ts";
import { KeysUnavailable } from "../infra/ports/secrets.ts";
import type { ReadParts } from "./parts.ts";

/** A whole number as a query holds it: digits and nothing else. */
export const whole = (min: number, max = Number.MAX_SAFE_INTEGER) =>
  z.preprocess(
    (asked) => (typeof asked === "string" && /^\d{1,16}$/.test(asked) ? Number(asked) : asked),
    z.int().min(min).max(max),
  );
export const Limit = whole(1, 200).default(50);
export const Cursor = z.string().max(1024).optional();

export const noSuchConversation = () => reject("not-found", "no such conversation");
export const noSuchMessage = () => reject("not-found", "no such message");
export const badCursor = () => reject("validation-failed", "the cursor is not one of this list");

interface QueryDeclaration<Shape extends z.ZodRawShape, Result extends z.ZodType> {
  readonly name: string;
  readonly route: `GET /${string}`;
  readonly summary: string;
  readonly payload: Shape;
  readonly result: Result;
  run(payload: z.output<z.ZodObject<Shape>>, by: By, parts: ReadParts): Promise<z.input<Result> | Rejection>;
}

/** A door that reads: it knows "not now" from "erased". */
export function query<Shape extends z.ZodRawShape, Result extends z.ZodType>(it: QueryDeclaration<Shape, Result>) {
  const { name, route, summary, result } = it;
  const payload = z.strictObject(it.payload);
  return door<ReadParts, typeof payload, Result>({
    name,
    route,
    summary,
    result,
    payload,
    status: 200,
    access: "signed-in",
    socket: false,
    async run(asked, by, parts) {
      try {
        const body = await it.run(asked, by, parts);
        return isRejection(body) ? body : { body };
      } catch (error) {
        if (error instanceof KeysUnavailable)
          return reject("unavailable", "the keys that open content do not answer now");
        throw error;
      }
    },
  } satisfies Door<ReadParts, typeof payload, Result>);
}
