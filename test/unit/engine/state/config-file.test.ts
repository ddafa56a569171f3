import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import type { FileSystem } from '../../../../src/engine/files/file-system.ts';
import { nodeFileSystem } from '../../../../src/engine/files/node-file-system.ts';
import type { JsonObject } from '../../../../src/engine/state/broker-json.ts';
import { CONFIG_CASES, ConfigFile, readConfig, writeConfig } from '../../../../src/engine/state/config-file.ts';
import { temporaryDirectory } from '../../../support/fixtures.ts';

const CONTENT = { ok: '{"a":{0:1}}', missing: null, empty: '', broken: '{"a":{0:1}' } as const;
type State = keyof typeof CONTENT;

interface Laid {
  file: string;
  options: { tempDirectory: string; quarantineDirectory: string };
}

const lay = (main: string | null, bak: string | null): Laid => {
  const root = temporaryDirectory('config');
  const file = path.join(root, 'config', 'x.json');
  fs.mkdirSync(path.dirname(file));
  if (main !== null) fs.writeFileSync(file, main);
  if (bak !== null) fs.writeFileSync(`${file}.bak`, bak);
  return { file, options: { tempDirectory: path.join(root, 'tmp'), quarantineDirectory: path.join(root, 'quarantine') } };
};

/** The file system, dead from its n-th operation on: that one and all later ones throw. */
const dyingAfter = (operations: number): { fs: FileSystem; survived: () => boolean } => {
  let left = operations;
  const proxy = new Proxy(nodeFileSystem, {
    get: (target, name) => (...args: unknown[]) => {
      left -= 1;
      if (left < 0) throw Object.assign(new Error('crashed'), { code: 'EIO' });
      return (target[name as keyof FileSystem] as (...a: unknown[]) => unknown)(...args);
    },
  });
  return { fs: proxy, survived: () => left >= 0 };
};

describe('readConfig', () => {
  it.each(Object.keys(CONFIG_CASES))('main/bak %s: as the table says, nothing changed on disk', (pair) => {
    const [main, bak] = pair.split('/') as [State, State];
    const { file } = lay(CONTENT[main], CONTENT[bak]);
    const before = fs.readdirSync(path.dirname(file));
    const read = readConfig(nodeFileSystem, file);
    expect(read).toMatchObject(CONFIG_CASES[pair as keyof typeof CONFIG_CASES]);
    expect(JSON.stringify(read.value)).toBe(read.source === 'none' ? '{}' : '{"a":{"0":1}}');
    const damaged = [main === 'broken' ? file : '', bak === 'broken' ? `${file}.bak` : ''].filter(Boolean);
    expect(read.damagedPaths).toEqual(damaged);
    expect(read.reasons.every((reason, index) => reason.startsWith(damaged[index]!) && reason.includes('line 1'))).toBe(true);
    expect(fs.readdirSync(path.dirname(file))).toEqual(before);
  });

  it('source follows from what is readable: main first, then .bak', () => {
    for (const [pair, row] of Object.entries(CONFIG_CASES)) {
      const [main, bak] = pair.split('/');
      expect(row.source, pair).toBe(main === 'ok' ? 'main' : bak === 'ok' ? 'bak' : 'none');
    }
  });
});

describe('writeConfig', () => {
  const OLD = '{"v":"old"}';
  const next = { v: 'new' };

  it.each([
    ['main and .bak', OLD, '{"v":"older"}', ['old', 'new']],
    ['main alone', OLD, null, ['old', 'new']],
    ['.bak alone', null, OLD, ['old', 'new']],
    ['broken main, good .bak', '{"v":', OLD, ['old', 'new']],
    ['good main, broken .bak', OLD, '{', ['old', 'new']],
    ['nothing', null, null, [undefined, 'new']],
  ] as const)('crash after every operation, %s: old or new value, never nothing', (_, main, bak, allowed) => {
    for (let operations = 0; ; operations += 1) {
      const { file, options } = lay(main, bak);
      const dying = dyingAfter(operations);
      try {
        writeConfig(dying.fs, file, next, options);
      } catch {
        // As a process would end here.
      }
      const { value } = readConfig(nodeFileSystem, file);
      expect(allowed, `after ${operations} operations`).toContain(value['v']);
      if (main === '{"v":' && value['v'] === 'new') {
        expect(fs.readFileSync(path.join(options.quarantineDirectory, 'x.json.1'), 'utf8')).toBe(main);
      }
      // Whatever was left behind, the next writer gets through.
      writeConfig(nodeFileSystem, file, next, options);
      expect(readConfig(nodeFileSystem, file).value['v']).toBe('new');
      if (dying.survived()) {
        expect(operations).toBeGreaterThan(8);
        break;
      }
    }
  });

  it('keeps the previous content as .bak, and unreadable content in quarantine, once', () => {
    const { file, options } = lay(OLD, null);
    writeConfig(nodeFileSystem, file, next, options);
    expect(fs.readFileSync(`${file}.bak`, 'utf8')).toBe(OLD);
    for (let round = 0; round < 2; round += 1) {
      fs.writeFileSync(file, 'garbage');
      writeConfig(nodeFileSystem, file, next, options);
    }
    fs.writeFileSync(file, 'other');
    writeConfig(nodeFileSystem, file, next, options);
    expect(fs.readdirSync(options.quarantineDirectory).sort()).toEqual(['x.json.1', 'x.json.2']);
    expect(fs.readFileSync(`${file}.bak`, 'utf8')).toBe(OLD);
  });

  it('syncs each file before its rename and the directory after, unless told not to', () => {
    const { file, options } = lay(OLD, null);
    const calls: string[] = [];
    const spy = new Proxy(nodeFileSystem, {
      get: (target, name) => (...args: unknown[]) => {
        if (['dataSync', 'rename', 'syncDirectory'].includes(String(name))) calls.push(String(name));
        return (target[name as keyof FileSystem] as (...a: unknown[]) => unknown)(...args);
      },
    });
    fs.mkdirSync(options.tempDirectory);
    writeConfig(spy, file, next, options);
    expect(calls).toEqual(['dataSync', 'rename', 'syncDirectory', 'dataSync', 'rename', 'syncDirectory']);
    calls.length = 0;
    writeConfig(spy, file, { v: 'newer' }, { ...options, sync: false });
    expect(calls).toEqual(['rename', 'rename']);
  });
});

describe('ConfigFile', () => {
  it('reads a file once until it changes, and changes what is on disk, not what it remembers', () => {
    const { file, options } = lay('{"a":1}', null);
    const config = new ConfigFile(nodeFileSystem, file, options);
    expect(config.read()).toBe(config.read());
    fs.writeFileSync(`${file}.new`, '{"a":1,"other":true}');
    fs.renameSync(`${file}.new`, file);
    expect(config.update((value) => void (value['b'] = 2))).toBe(true);
    expect(JSON.parse(fs.readFileSync(file, 'utf8'))).toEqual({ a: 1, other: true, b: 2 });
    const inode = fs.statSync(file).ino;
    expect(config.update((value) => void (value['b'] = 2))).toBe(false);
    expect(fs.statSync(file).ino).toBe(inode);
  });

  it('stays as it was when the change throws half way', () => {
    const { file, options } = lay('{"a":1}', null);
    const config = new ConfigFile(nodeFileSystem, file, options);
    expect(() => config.update((value) => {
      value['a'] = 2;
      throw new Error('no');
    })).toThrow('no');
    expect(config.value['a']).toBe(1);
  });

  it('merges what a stranger replaced, says that it must be repaired, and repairs it', () => {
    const { file, options } = lay('{"a":5}', null);
    const merge = (ours: JsonObject, onDisk: JsonObject): JsonObject =>
      ({ ...onDisk, a: Math.max(Number(ours['a']), Number(onDisk['a'])) });
    const config = new ConfigFile(nodeFileSystem, file, { ...options, merge });
    expect(config.needsRepair).toBe(false);
    fs.writeFileSync(file, '{"a":4,"theirs":1}');
    expect(config.needsRepair).toBe(true);
    expect(config.value).toEqual({ a: 5, theirs: 1 });
    expect(config.update(() => {})).toBe(true);
    expect(config.needsRepair).toBe(false);
    expect(JSON.parse(fs.readFileSync(file, 'utf8'))).toEqual({ a: 5, theirs: 1 });
  });
});
