import fs from 'node:fs';

/**
 * File systems of one kernel, whose inotify tells of every write: ext, XFS, Btrfs, tmpfs, overlay, F2FS, ZFS. Over a network, or from the
 * host of a virtual machine, a write by another machine raises no event here. [linux/magic.h]
 */
const LOCAL_TYPES: readonly number[] = [0xef53, 0x58465342, 0x9123683e, 0x01021994, 0x794c7630, 0xf2f52010, 0x2fc12fc1];

/** `FileSystem.watch` by inotify: of all that can be waited for without being asked, an idle process pays nothing for this. */
export const watchFile = (path: string, onChange: () => void): (() => void) | null => {
  if (process.platform !== 'linux') return null;
  try {
    if (!LOCAL_TYPES.includes(fs.statfsSync(path).type)) return null;
    const watcher = fs.watch(path, { persistent: false });
    const onEvent = (): void => {
      watcher.off('change', onEvent);
      watcher.close();
      onChange();
    };
    watcher.on('change', onEvent);
    watcher.on('error', onEvent);
    return () => {
      watcher.off('change', onEvent);
      watcher.close();
    };
  } catch {
    // No file, or no more watches for this user: whoever wanted one looks now and then instead.
    return null;
  }
};
