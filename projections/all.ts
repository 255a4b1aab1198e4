import { history } from "./history/projection.ts";
import { inbox } from "./inbox/projection.ts";
import { members } from "./members/projection.ts";
import { people } from "./people/projection.ts";
import type { Projection } from "./projection.ts";
import { receipts } from "./receipts/projection.ts";

/** Every read model, in Postgres. */
export const projections: readonly Projection[] = [people, members, inbox, history, receipts];
