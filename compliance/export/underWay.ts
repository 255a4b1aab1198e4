/** An erasure swept what was being exported: whoever asked begins anew. */
export class ExportSwept extends Error {
  override name = "ExportSwept";
}

/** The exports that this process is making: an erasure ends them, since they may hold the person. */
export class ExportsUnderWay {
  readonly #running = new Map<AbortController, { readonly tenant: string; readonly ended: Promise<void> }>();

  /** Runs one; what it is given is aborted when it is swept. */
  async run<T>(tenant: string, make: (stopping: AbortController) => Promise<T>): Promise<T> {
    const controller = new AbortController();
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#running.set(controller, { tenant, ended: promise });
    try {
      return await make(controller);
    } finally {
      this.#running.delete(controller);
      resolve();
    }
  }

  /** Ends all of a tenant's, and waits until they are. Gives how many there were. */
  async sweep(tenant: string): Promise<number> {
    const theirs = [...this.#running].filter(([, running]) => running.tenant === tenant);
    for (const [controller] of theirs) controller.abort(new ExportSwept("somebody was erased meanwhile: begin anew"));
    await Promise.all(theirs.map(([, { ended }]) => ended));
    return theirs.length;
  }
}
