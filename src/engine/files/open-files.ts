/** Something that has a file open and can do without for a while. */
export interface FileHolder {
  /** Lets go of the file; it is opened again when it is needed. */
  release(): void;
}

/**
 * Bounds how many files a process has open of a kind of which there may be thousands. Told of openings only, so that what is open costs
 * nothing: the one opened first is let go of, and opened again should it be in use.
 */
export class OpenFiles {
  readonly #most: number;
  readonly #holders = new Set<FileHolder>();

  constructor(most: number) {
    this.#most = most;
  }

  opened(holder: FileHolder): void {
    this.#holders.add(holder);
    if (this.#holders.size <= this.#most) return;
    for (const oldest of this.#holders) {
      if (oldest === holder) continue;
      this.#holders.delete(oldest);
      oldest.release();
      return;
    }
  }

  closed(holder: FileHolder): void {
    this.#holders.delete(holder);
  }
}
