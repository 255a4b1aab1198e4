import type { DomainEvent, Placed } from "../../domain/event.ts";
import type { About } from "./deciding.ts";
import { aboutOf } from "./needs.ts";
import { bucketOf, targetOf } from "./record.ts";

/** What a turn has decided so far, ahead of the log: the commands after it meet it as if it were recorded. */
export class Ahead<Event extends DomainEvent> {
  readonly #about = new Map<string, About<Event>[]>();
  readonly #contents = new Map<number, unknown>();
  readonly #day: string;

  /** @param day the bucket of today's content */
  constructor(day: string) {
    this.#day = day;
  }

  add(event: Event, facts: Placed<Event>): void {
    if (event.sealed !== undefined) this.#contents.set(facts.revision, event.sealed);
    const target = targetOf(event);
    if (target === null) return;
    const bucket = event.sealed === undefined ? undefined : bucketOf(event, this.#day);
    const before = this.#about.get(target) ?? [];
    before.push(aboutOf<Event>(facts, bucket, event.sealed));
    this.#about.set(target, before);
  }

  eventsAbout(messageId: string): readonly About<Event>[] {
    return this.#about.get(messageId) ?? [];
  }

  /** Undefined where no event of the turn that has personal content stands at this revision. */
  content(revision: number): unknown {
    return this.#contents.get(revision);
  }
}
