// One worker: questions go in, answers come back, a crash answers all of them.

import { RankweaveError, crashed } from "./error.js";
import { ANSWER, ASK, FAILED, PANIC, STEP } from "./wire.js";

export class Link {
  #port;
  #next = 1;
  #waiting = new Map();
  /** Why it stopped, once it has. */
  stopped;

  /** `port` sends (`post`), is kept from ending with the program or not (`hold`), and ends (`end`). */
  constructor(open) {
    this.#port = open({
      message: (data) => this.#hear(data),
      error: (message) => this.stop(crashed(message)),
    });
  }

  /** The answer, as `{ body, attached }`. Buffers in `move` are not the caller's any more. */
  ask(request, attached = [], { move = [], step } = {}) {
    if (this.stopped) return Promise.reject(this.stopped);
    return new Promise((resolve, reject) => {
      const number = this.#next++;
      this.#port.post([number, ASK, request, ...attached], move);
      this.#port.hold(true);
      this.#waiting.set(number, { resolve, reject, step });
    });
  }

  /** Stops it at once, whatever it is doing; open questions are answered with `why`. */
  stop(why) {
    this.stopped ??= why;
    this.#port.end();
    for (const { reject } of this.#waiting.values()) reject(this.stopped);
    this.#waiting.clear();
  }

  #hear([number, sort, body, ...attached]) {
    // Nothing comes after it.
    if (sort === PANIC) return this.stop(crashed(body));
    const asked = this.#waiting.get(number);
    if (sort === STEP) return asked?.step?.(body);
    if (sort !== ANSWER && sort !== FAILED) return;
    this.#waiting.delete(number);
    if (this.#waiting.size === 0) this.#port.hold(false);
    if (sort === FAILED) asked?.reject(new RankweaveError(body));
    else asked?.resolve({ body, attached });
  }
}
