interface Parameters {
  readonly args: Readonly<Record<string, { readonly name: string; readonly required?: boolean | undefined; readonly hidden?: boolean | undefined }>>;
  /** false: any number of arguments. */
  readonly strict?: boolean | undefined;
}

/** `TOPIC [BODY]`, `TOPIC...`: what a command takes besides flags. */
export function argsUsage({ args, strict }: Parameters): string {
  return Object.entries(args).filter(([, { hidden }]) => hidden !== true).map(([key, { name, required }]) => {
    const word = `${(name || key).toUpperCase()}${strict === false ? '...' : ''}`;
    return required === true ? word : `[${word}]`;
  }).join(' ');
}
