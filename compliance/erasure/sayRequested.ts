import type { Engine } from "../../commands/index.ts";
import type { By } from "../../domain/by.ts";
import { ErasureRequested } from "../../domain/compliance/events.ts";
import { streamId } from "../../domain/ids.ts";
import { reject } from "../../domain/rejection.ts";
import { complianceCase } from "../complianceCase.ts";

interface Requested {
  readonly erasureId: string;
  readonly commandId: string;
  readonly userId: string;
  readonly reason: string;
  readonly partial?: true | undefined;
  readonly redactNames: readonly string[];
}

/** Says in its own stream that an erasure was asked for: with that it is certain to be carried out. @param by who asked */
export const sayRequested = (
  engine: Engine,
  { erasureId, commandId, userId, reason, partial, redactNames }: Requested,
  by: By,
) => {
  const names = redactNames.length > 0 ? { redactNames: [...redactNames] } : {};
  return complianceCase.mailboxes(engine).send(streamId(by.tenant, "compliance", erasureId), {
    name: "RequestErasure",
    payload: { userId, reason, partial: partial ?? false, ...names },
    sender: { ...by, commandId, unnamed: true },
    keyed: true,
    needs: () => undefined,
    decide: ({ kind }) =>
      kind === "none"
        ? [
            ErasureRequested(
              { erasureId, userId, ...(partial ? { partial } : {}), ...names },
              { reason, requestedBy: by.userId },
            ),
          ]
        : reject("conflict", "the key was used for something else"),
  });
};
