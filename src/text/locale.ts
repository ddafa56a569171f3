/** Whether the locale's characters are UTF-8, as POSIX has it: the first of LC_ALL, LC_CTYPE and LANG that says something. Bars and dots need it. */
export function isUtf8Locale(env: Readonly<Record<string, string | undefined>>): boolean {
  return /utf-?8/i.test(env['LC_ALL'] || env['LC_CTYPE'] || env['LANG'] || '');
}
