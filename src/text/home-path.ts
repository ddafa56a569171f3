/** A path as a person writes it: `~/shop` for what lies in the home directory. */
export function homePath(path: string, home: string | undefined): string {
  if (home === undefined || home === '' || home === '/') return path;
  return path === home ? '~' : path.startsWith(`${home}/`) ? `~${path.slice(home.length)}` : path;
}

/** The path that a person means by `~` or `~/shop`; any other as it is. */
export function expandHome(path: string, home: string | undefined): string {
  return home !== undefined && /^~(?:\/|$)/.test(path) ? home + path.slice(1) : path;
}
