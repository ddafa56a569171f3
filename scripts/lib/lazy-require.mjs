/**
 * Makes the top-level `require` calls of a CommonJS file compiled by TypeScript lazy: a module is then evaluated when
 * something of it is first used, not when its importer is. @oclif/core loads its help, its plugin loader and half of
 * its dependencies for a command that needs none of them; this is worth several milliseconds at every start.
 *
 * Only the three shapes TypeScript emits are touched, and only when the bound name is used as an object
 * (`name.member`), so a file that does anything else stays as it was.
 */
const DECLARATION =
  /^(?:const|var|let) (\w+) = (require\("[^"]+"\)|__importDefault\(require\("[^"]+"\)\)|__importStar\(require\("[^"]+"\)\));$/gm;
const STAR_EXPORT = /^exports\.(\w+) = (__importStar\(require\("[^"]+"\)\));$/gm;

export function lazyRequires(source) {
  const lazy = [];
  let result = source.replace(DECLARATION, (whole, name, load) => {
    const uses = source.match(new RegExp(`\\b${name}\\b`, 'g'))?.length ?? 0;
    const memberUses = source.match(new RegExp(`\\b${name}\\.\\w`, 'g'))?.length ?? 0;
    if (uses !== memberUses + 1) return whole;
    lazy.push(name);
    return `let ${name}$module; function ${name}$load() { return ${name}$module ??= ${load}; }`;
  });
  // In parentheses, so that `new name.Class()` stays the construction of a member.
  for (const name of lazy) result = result.replace(new RegExp(`\\b${name}\\.`, 'g'), `(${name}$load()).`);
  return result.replace(
    STAR_EXPORT,
    (whole, name, load) => `Object.defineProperty(exports, "${name}", { enumerable: true, configurable: true, get() {
  const value = ${load};
  Object.defineProperty(exports, "${name}", { enumerable: true, value });
  return value;
} });`,
  );
}
