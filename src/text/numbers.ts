/** `1234567` → `1,234,567`, without Intl, whose first use costs milliseconds. */
export function formatInteger(value: number): string {
  const digits = String(Math.abs(Math.trunc(value)));
  return (value < 0 ? '-' : '') + digits.replace(/\B(?=(\d{3})+$)/g, ',');
}

/** `1536` → `1.5 KiB`. */
export function formatBytes(sizeBytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];
  let value = sizeBytes;
  let unit = 0;
  while (Math.abs(value) >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit++;
  }
  return unit === 0 ? `${value} B` : `${value.toFixed(value < 10 ? 2 : value < 100 ? 1 : 0).replace(/\.0+$/, '')} ${units[unit]}`;
}

/** `90500` → `1m 30s`, as durations are written in flags; below a second in ms, below a minute with one decimal; at most two units. */
export function formatDuration(durationMs: number): string {
  if (durationMs < 0) return `-${formatDuration(-durationMs)}`;
  if (durationMs < 1000) return `${durationMs < 10 && !Number.isInteger(durationMs) ? durationMs.toFixed(1) : Math.round(durationMs)}ms`;
  if (durationMs < 59_950) return `${(durationMs / 1000).toFixed(1).replace(/\.0$/, '')}s`;
  const totalSeconds = Math.round(durationMs / 1000);
  const parts: [number, string][] = [[Math.floor(totalSeconds / 86_400), 'd'], [Math.floor(totalSeconds / 3600) % 24, 'h'], [Math.floor(totalSeconds / 60) % 60, 'm'], [totalSeconds % 60, 's']];
  const first = parts.findIndex(([count]) => count > 0);
  return parts.slice(first, first + 2).filter(([count]) => count > 0).map(([count, unit]) => `${count}${unit}`).join(' ');
}

/** Epoch ms as `2026-11-23 11:57:09.123Z`; `-` for null. */
export function formatTime(epochMs: number | null): string {
  if (epochMs === null) return '-';
  const date = new Date(epochMs);
  return Number.isNaN(date.getTime()) ? String(epochMs) : date.toISOString().replace('T', ' ');
}

/** `3 messages`, `1 message`. */
export function plural(count: number, noun: string, many = `${noun}s`): string {
  return `${formatInteger(count)} ${count === 1 ? noun : many}`;
}
