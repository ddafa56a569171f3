/** Progress on stderr. Every method does nothing unless stderr is a terminal and progress is wanted. */
export interface Spinner {
  text(text: string): void;
  /** Removes the line. */
  stop(): void;
}

const SILENT: Spinner = { text: () => undefined, stop: () => undefined };

/**
 * An ora spinner, loaded only where it will be seen. Some terminals have no size (`script` and CI runners make them): there ora would
 * clear an endless number of lines.
 */
export async function startSpinner(text: string, wanted: boolean): Promise<Spinner> {
  if (!wanted || process.stderr.columns === 0) return SILENT;
  const { default: ora } = await import('ora');
  const spinner = ora({ text, stream: process.stderr, discardStdin: false, hideCursor: false }).start();
  return {
    text: (next) => {
      spinner.text = next;
    },
    stop: () => {
      spinner.stop();
    },
  };
}
