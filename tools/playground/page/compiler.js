// The worker's requests and answers. One runs at a time; of the requests that wait, the newest of a kind is kept.

/** How long a request may take before the worker is ended, in milliseconds. */
const PATIENCE = 30000;

export class Compiler {
  #state;
  #worker = null;
  #waiting = [];
  #running = null;
  #ready = false;
  #number = 0;

  /** `state` is told what goes on, in words. */
  constructor(state) {
    this.#state = state;
    this.#start();
  }

  #start() {
    this.#ready = false;
    this.#worker = new Worker('worker.js', { type: 'module' });
    this.#worker.onmessage = ({ data }) => this.#hear(data);
    this.#worker.onerror = () => this.#state('The compiler cannot be loaded.');
  }

  #hear({ ready, failed, id, answer }) {
    if (failed) return this.#state(`The compiler cannot be loaded: ${failed}`);
    if (ready) {
      this.#ready = true;
      this.#state('Ready.');
    } else if (this.#running?.id === id) {
      clearTimeout(this.#running.timer);
      this.#running.resolve(answer);
      this.#running = null;
    }
    this.#next();
  }

  #next() {
    if (!this.#ready || this.#running || !this.#waiting.length) return;
    const job = this.#waiting.shift();
    job.timer = setTimeout(() => this.#give(), PATIENCE);
    this.#running = job;
    this.#worker.postMessage({ id: job.id, request: job.request });
  }

  /** Ends the worker, and with it the request that runs. */
  #give() {
    this.#worker.terminate();
    const job = this.#running;
    this.#running = null;
    job.resolve({ error: `this takes longer than ${PATIENCE / 1000} s here; smaller dims help` });
    this.#start();
  }

  /** The answer to a request. */
  ask(request) {
    return this.latest(null, request);
  }

  /** The answer to a request; nothing for those of the same kind that waited before it. */
  latest(kind, request) {
    if (kind !== null) {
      for (const old of this.#waiting.filter((job) => job.kind === kind)) old.resolve(null);
      this.#waiting = this.#waiting.filter((job) => job.kind !== kind);
    }
    return new Promise((resolve) => {
      this.#waiting.push({ id: ++this.#number, kind, request, resolve });
      this.#next();
    });
  }
}
