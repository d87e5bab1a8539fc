/** The candidate that differs least from the name, if it is close enough to be a slip of the hand. */
export function closest(name: string, candidates: Iterable<string>): string | undefined {
  return nearest(candidates, (candidate) => slip(name, candidate));
}

/** As `closest`, for paths: every part between the slashes has to be close. */
export function closestPath(path: string, candidates: Iterable<string>): string | undefined {
  const parts = path.split("/");
  return nearest(candidates, (candidate) => {
    const others = candidate.split("/");
    if (others.length !== parts.length) return undefined;
    const slips = parts.map((part, index) => slip(part, others[index] ?? ""));
    return slips.reduce((sum, one) => (sum === undefined || one === undefined ? undefined : sum + one), 0);
  });
}

function nearest(candidates: Iterable<string>, distance: (candidate: string) => number | undefined) {
  let best: string | undefined;
  let bestDistance = Number.POSITIVE_INFINITY;
  for (const candidate of candidates) {
    const current = distance(candidate) ?? Number.POSITIVE_INFINITY;
    if (current >= bestDistance) continue;
    best = candidate;
    bestDistance = current;
  }
  return best;
}

/** How much two names differ; undefined when that is more than a third of the wanted one. */
function slip(name: string, candidate: string): number | undefined {
  const limit = Math.max(1, Math.floor(name.length / 3));
  if (Math.abs(name.length - candidate.length) > limit) return undefined;
  const distance = editDistance(name.toLowerCase(), candidate.toLowerCase());
  return distance <= limit ? distance : undefined;
}

/** Insertions, deletions, replacements and swaps of neighbours that make one text out of the other. */
function editDistance(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let row = 1; row <= a.length; row++) {
    const current = [row];
    for (let column = 1; column <= b.length; column++) {
      const cost = a[row - 1] === b[column - 1] ? 0 : 1;
      let best = Math.min(at(last, column) + 1, at(current, column - 1) + 1, at(last, column - 1) + cost);
      const swapped = row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1];
      if (swapped) best = Math.min(best, at(beforeLast, column - 2) + 1);
      current.push(best);
    }
    beforeLast = last;
    last = current;
  }
  return at(last, b.length);
}

function at(row: readonly number[], column: number): number {
  return row[column] ?? Number.POSITIVE_INFINITY;
}
