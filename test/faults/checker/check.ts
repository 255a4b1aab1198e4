import { commandRules } from "./commandRules.ts";
import { factsOf } from "./facts.ts";
import type { History } from "./history.ts";
import { logRules } from "./logRules.ts";
import { readerRules } from "./readerRules.ts";
import type { Violation } from "./violation.ts";

/**
 * Judges the history of a run, with faults or without. Empty: every promise was kept, as far as anybody looked.
 * @see Kingsbury and Alvaro, Elle (VLDB 2020), for the idea of judging by what clients saw
 */
export function check(history: History): Violation[] {
  const facts = factsOf(history);
  const replayed = history.readModels.flatMap(({ table, live, replayed }): Violation[] =>
    live === replayed ? [] : [{ rule: "replay-differs", what: `${table}: ${live} live, ${replayed} replayed` }],
  );
  return [...logRules(facts), ...commandRules(facts), ...readerRules(facts), ...replayed];
}
