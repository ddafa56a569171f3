import type { MemoryDisk } from './memory-disk.ts';
import { systemError } from './memory-disk.ts';
import { CrashError, Machine } from './machine.ts';
import type { Operation } from './machine.ts';
import { checkStore, journalUntil } from './oracle.ts';
import type { Expectation, Problems } from './oracle.ts';
import { Random } from './random.ts';
import { newMachine, newRun, openBroker, runWorkload, unexpectedErrors } from './workload.ts';
import type { Flush, Journal, Port, Run } from './workload.ts';

/** Every operation of the workload in the normal suite would take too long; `MQLITE_FAULT_FULL=1` tries each of them. */
export const IS_FULL = process.env['MQLITE_FAULT_FULL'] === '1';
/** Draws the sample; the same seed draws the same one. */
export const SEED = Number(process.env['MQLITE_FAULT_SEED'] ?? 1);

/** The operations to fault: `count` of them, or all in a full run. */
export const pick = (total: number, count: number, salt: number): number[] =>
  new Random(SEED * 7919 + salt).sample(1, total, IS_FULL ? total : count);

interface Call {
  readonly operation: Operation;
  readonly file: string;
}

export interface Recording {
  readonly run: Run;
  readonly operations: number;
  /** What each of them was, from operation 1 on. */
  readonly calls: readonly Call[];
  /** The disk as it was before operation n, or with a part of the write that n is, for every n asked for. */
  readonly images: ReadonlyMap<number, MemoryDisk>;
}

/** Runs the workload without a fault and keeps images of the disk before the given operations; null: counts only. */
export const record = async (flush: Flush, at: ReadonlySet<number> | null, port?: Port): Promise<Recording> => {
  const machine = await newMachine(SEED);
  const run = newRun(machine, port);
  const images = new Map<number, MemoryDisk>();
  const random = new Random(SEED);
  const calls: Call[] = [];
  machine.hook = ({ number, operation, file, length, applyPart }) => {
    calls.push({ operation, file });
    if (at?.has(number) !== true) return;
    const image = machine.disk.clone(number);
    // A process may be killed inside a write: any first part of it is there.
    if (operation === 'write') applyPart(image, random.below(length + 1));
    images.set(number, image);
  };
  await runWorkload(run, flush);
  machine.hook = null;
  machine.killAll();
  return { run, operations: machine.operations, calls, images };
};

/** Whether an error of this kind can come from this operation. */
const CAN_FAIL: Readonly<Record<ErrorFault['code'], ReadonlySet<Operation>>> = {
  ENOSPC: new Set(['create', 'write', 'truncate', 'rename', 'makeDirectory', 'dataSync']),
  EIO: new Set(['open', 'create', 'read', 'write', 'truncate', 'dataSync', 'syncDirectory', 'rename', 'unlink', 'makeDirectory', 'removeDirectory', 'list', 'stat', 'fstat']),
};

export interface ErrorFault {
  readonly code: 'ENOSPC' | 'EIO';
  readonly at: number;
  /** Every later operation of the kind fails as well. */
  readonly isSticky: boolean;
}

/** The operations at which to inject an error: of those that can have it, `count`, or all in a full run. */
export const pickErrors = (calls: readonly Call[], code: ErrorFault['code'], count: number, salt: number): number[] => {
  const able = operationsOf(calls, ({ operation }) => CAN_FAIL[code].has(operation));
  return pick(able.length, count, salt).map((index) => able[index - 1]!);
};

/** The numbers of the operations that are meant. */
export const operationsOf = (calls: readonly Call[], isMeant: (call: Call) => boolean): number[] => calls.flatMap((call, index) => (isMeant(call) ? [index + 1] : []));

/** Runs the workload with an error at the n-th operation; the processes live on and close. */
export const runWithError = async (flush: Flush, fault: ErrorFault, port?: Port): Promise<Run> => {
  const machine = await newMachine(SEED);
  const run = newRun(machine, port);
  machine.hook = errorHook(machine, fault);
  await runWorkload(run, flush);
  machine.hook = null;
  machine.killAll();
  return run;
};

const errorHook = (machine: Machine, fault: ErrorFault): Machine['hook'] => {
  const random = new Random(fault.at);
  return ({ number, operation, file, length, applyPart }) => {
    if (number < fault.at || (number > fault.at && !fault.isSticky) || !CAN_FAIL[fault.code].has(operation)) return;
    // Space runs out inside a write.
    if (operation === 'write') applyPart(machine.disk, random.below(length + 1));
    throw systemError(fault.code, operation, file);
  };
};

/** Runs the workload and kills, at the n-th operation, the process that does it; the others go on. */
export const runWithDeath = async (flush: Flush, at: number, port?: Port): Promise<Run> => {
  const machine = await newMachine(SEED);
  const run = newRun(machine, port);
  const random = new Random(at);
  machine.hook = ({ number, operation, process: victim, length, applyPart }) => {
    if (number !== at) return;
    if (operation === 'write') applyPart(machine.disk, random.below(length + 1));
    victim.kill();
    throw new CrashError(`killed at operation ${at}`);
  };
  await runWorkload(run, flush);
  machine.hook = null;
  machine.killAll();
  return run;
};

/** Checks what a fault left; then the same with a second fault inside the recovery from the first, at `second` operations of it. */
export const checkWithSecondFault = async (
  image: MemoryDisk, journal: Journal, expected: Expectation, second: { readonly count: number; readonly isPowerCut: boolean; readonly salt: number },
): Promise<Problems> => {
  const total = await countRecovery(image);
  const problems: Problems = [];
  for (const at of new Random(SEED * 31 + second.salt).sample(1, total, second.count)) {
    const disk = await crashRecovery(image, at);
    const left = second.isPowerCut ? disk.powerCut(at + second.salt) : disk;
    const found = await checkStore(left, journal, expected);
    problems.push(...found.map((problem) => `second fault at ${at} of ${total}: ${problem}`));
  }
  return problems;
};

const countRecovery = async (image: MemoryDisk): Promise<number> => {
  const machine = new Machine(image.clone(1), 7000);
  await openBroker(machine, machine.start('counted'), 'sync').catch(() => undefined);
  const { operations } = machine;
  machine.killAll();
  return operations;
};

const crashRecovery = async (image: MemoryDisk, at: number): Promise<MemoryDisk> => {
  const machine = new Machine(image.clone(1), 7000);
  const random = new Random(at);
  machine.hook = ({ number, operation, process: victim, length, applyPart }) => {
    if (number !== at) return;
    if (operation === 'write') applyPart(machine.disk, random.below(length + 1));
    victim.kill();
    throw new CrashError(`killed at operation ${at} of the recovery`);
  };
  await openBroker(machine, machine.start('recovering'), 'sync').catch(() => undefined);
  machine.killAll();
  return machine.disk;
};

/** Problems of many fault points as one short text: each with the command that repeats it. */
export class Report {
  #lines: string[] = [];
  points = 0;

  add(where: string, problems: Problems): void {
    this.points++;
    if (problems.length > 0) this.#lines.push(`${where}: ${problems.slice(0, 4).join(' | ')}${problems.length > 4 ? ` | and ${problems.length - 4} more` : ''}`);
  }

  get failures(): number {
    return this.#lines.length;
  }

  get text(): string {
    return `${this.#lines.length} of ${this.points} fault points (seed ${SEED})\n${this.#lines.slice(0, 12).join('\n')}`;
  }
}

export { checkStore, journalUntil, unexpectedErrors };
