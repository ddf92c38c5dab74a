// How fast the page sends bytes, and how long the rest takes.

const SMOOTHING = 8000; // ms until a measurement counts for a third
const WARM_UP = 2000; // ms without an estimate, which would be a guess

/** A smoothed speed: a stalled second or a burst barely changes it. */
export class Rate {
  #speed = 0; // bytes per ms
  #bytes = 0;
  #time = 0; // of the last measurement
  #since = 0; // of the first measurement

  /** Starts again, as after a pause. */
  restart(bytes, now) {
    this.#speed = 0;
    this.#bytes = bytes;
    this.#time = this.#since = now;
  }

  /**
   * Notes how many bytes were sent so far. Where bytes were lost and the number
   * falls, the speed of that step is 0.
   */
  note(bytes, now) {
    const took = now - this.#time;
    if (took < 200) return;
    const speed = Math.max(0, bytes - this.#bytes) / took;
    const weight = this.#speed === 0 ? 1 : 1 - Math.exp(-took / SMOOTHING);
    this.#speed += weight * (speed - this.#speed);
    this.#bytes = bytes;
    this.#time = now;
  }

  /** Bytes per second; 0 while unknown. */
  get perSecond() {
    return this.#time - this.#since < WARM_UP ? 0 : this.#speed * 1000;
  }

  /** The ms until so many bytes are sent; 0 while unknown. */
  timeFor(bytes) {
    return this.perSecond < 1 ? 0 : (bytes / this.perSecond) * 1000;
  }
}

/** Rounds a remaining time up, the more the longer it is, so that it does not flicker. */
export function coarse(ms) {
  const steps = [[10e3, 1e3], [60e3, 5e3], [120e3, 10e3], [3600e3, 60e3], [Infinity, 600e3]];
  const [, step] = steps.find(([below]) => ms < below);
  return Math.max(step, Math.ceil(ms / step) * step);
}
