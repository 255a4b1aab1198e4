import { z } from "zod";

/** Where in the log a change stands: what every change answers. */
export const Placement = z.object({
  position: z.int().describe("Position in the log of the last event that it led to; give it as Scripta-Min-Position."),
  revision: z.int().describe("That event's revision in its stream."),
});
