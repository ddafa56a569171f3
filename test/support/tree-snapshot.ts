import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';

/** Every name below `root` with kind, size, mode, mtime and content hash. Two equal snapshots: not a byte or mtime changed. */
export const snapshotTree = (root: string): Record<string, string> => {
  const snapshot: Record<string, string> = {};
  const visit = (file: string): void => {
    const stat = fs.lstatSync(file, { bigint: true });
    const name = path.relative(root, file) || '.';
    if (!stat.isDirectory()) {
      snapshot[name] = `file ${stat.mode} ${stat.size} ${stat.mtimeNs} ${createHash('sha256').update(fs.readFileSync(file)).digest('hex')}`;
      return;
    }
    snapshot[name] = `directory ${stat.mode} ${stat.mtimeNs}`;
    for (const child of fs.readdirSync(file)) visit(path.join(file, child));
  };
  visit(root);
  return snapshot;
};
