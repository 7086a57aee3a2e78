import { envSchema, type Variable, variables } from './schema.ts';

export function isVariable(key: string): key is Variable {
  return Object.hasOwn(envSchema.shape, key);
}

/** The known name with the fewest edits, if they are at most a third of its length. */
export function nearestVariable(key: string): Variable | undefined {
  const ranked = variables
    .map((variable) => ({ variable, distance: editDistance(key.toUpperCase(), variable) }))
    .sort((a, b) => a.distance - b.distance)[0];
  return ranked !== undefined && ranked.distance <= ranked.variable.length / 3 ? ranked.variable : undefined;
}

function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let row = 1; row <= a.length; row += 1) {
    const current = [row];
    for (let column = 1; column <= b.length; column += 1) {
      const substitution = (previous[column - 1] ?? 0) + (a[row - 1] === b[column - 1] ? 0 : 1);
      current.push(Math.min(substitution, (previous[column] ?? 0) + 1, (current[column - 1] ?? 0) + 1));
    }
    previous = current;
  }
  return previous[b.length] ?? 0;
}
