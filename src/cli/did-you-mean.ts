/** Edit distance, two letters exchanged being one slip; case ignored; gives up above `limit` and returns limit + 1. */
export function editDistance(left: string, right: string, limit = Number.MAX_SAFE_INTEGER): number {
  const a = left.toLowerCase();
  const b = right.toLowerCase();
  if (Math.abs(a.length - b.length) > limit) return limit + 1;
  let previous = Array.from({ length: b.length + 1 }, (_, index) => index);
  let beforePrevious: readonly number[] = previous;
  for (let row = 1; row <= a.length; row++) {
    const current = [row];
    let smallest = row;
    for (let column = 1; column <= b.length; column++) {
      const substituted = previous[column - 1]! + (a[row - 1] === b[column - 1] ? 0 : 1);
      const exchanged = row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1];
      const distance = Math.min(previous[column]! + 1, current[column - 1]! + 1, substituted, exchanged ? beforePrevious[column - 2]! + 1 : Infinity);
      current.push(distance);
      smallest = Math.min(smallest, distance);
    }
    if (smallest > limit) return limit + 1;
    beforePrevious = previous;
    previous = current;
  }
  return Math.min(previous[b.length]!, limit + 1);
}

/** The nearest candidates, best first: those a slip of the keyboard away (a third of the length, at least 1 and at most 3). */
export function nearest(typed: string, candidates: Iterable<string>, max = 3): string[] {
  const limit = Math.min(3, Math.max(1, Math.floor(typed.length / 3)));
  const ranked: { candidate: string; distance: number }[] = [];
  for (const candidate of candidates) {
    if (candidate === typed) continue;
    const distance = editDistance(typed, candidate, limit);
    if (distance <= limit) ranked.push({ candidate, distance });
  }
  ranked.sort((left, right) => left.distance - right.distance || (left.candidate < right.candidate ? -1 : 1));
  return ranked.slice(0, max).map(({ candidate }) => candidate);
}

/** `Did you mean …?`, or undefined when nothing is near. */
export function suggestion(typed: string, candidates: Iterable<string>): string | undefined {
  const names = nearest(typed, candidates);
  if (names.length === 0) return undefined;
  return `Did you mean ${names.map((name) => `"${name}"`).join(' or ')}?`;
}
